/**
 * A preload beside the profiler's: ends the first period early, so that whoever waits before the page of `everflame dev` sees
 * something of a program that has just started. Node.js 12 is to parse this file, and to load it.
 */

/** Milliseconds in which the usual program has loaded what it is made of. */
const FIRST_PERIOD = 250;

setTimeout(flushFirst, FIRST_PERIOD).unref();

function flushFirst(): void {
  try {
    const { isMainThread } = require('node:worker_threads') as typeof import('node:worker_threads');
    if (!isMainThread) return;
    const { flush } = require('../control') as typeof import('../control');
    // What fails here, the profiler has said.
    flush().catch(() => undefined);
  } catch {
    // Nor can it be loaded where the profiler cannot, which has said so.
  }
}
