'use strict';
const { performance } = require('node:perf_hooks');
const { setImmediate, setTimeout } = require('node:timers/promises');

const PAUSE_MILLISECONDS = 150;

/**
 * Blocks the event loop for so many milliseconds each, with pauses between. Resolves to the longest block in
 * milliseconds, and to how long the loop was active and idle meanwhile as Node.js tells it.
 */
exports.blockInTurns = async (lengths) => {
  // Node.js tells nothing before the loop has begun.
  await setImmediate();
  const before = performance.eventLoopUtilization();
  let longest = 0;
  for (const length of lengths) {
    await setTimeout(PAUSE_MILLISECONDS);
    const start = performance.now();
    while (performance.now() - start < length);
    longest = Math.max(longest, performance.now() - start);
  }
  await setTimeout(PAUSE_MILLISECONDS);
  const { active, idle } = performance.eventLoopUtilization(before);
  return { longest, active, idle };
};
