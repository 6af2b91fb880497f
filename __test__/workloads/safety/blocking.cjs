/**
 * Blocks in Atomics.wait, in a child process and in read(2), then makes short system calls; prints what came of each, and
 * how many samples the profiler of the preload, if there is one, took meanwhile: each is a signal that was handled.
 */
const { execFileSync, spawn } = require('node:child_process');
const { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const REPEATS = 20;
const SECONDS = 0.05;
/** Short calls are made until so many signals have come, but no more often than the limit. */
const WANTED = 100;
const ROUNDS = 20_000;
const LIMIT = 2_000_000;

const running = globalThis[Symbol.for('everflame.running')];
const counter = (name) => running?.metrics().counters[name] ?? 0;
const cell = new Int32Array(new SharedArrayBuffer(4));
const folder = mkdtempSync(join(tmpdir(), 'everflame-blocking-'));
const path = join(folder, 'pipe');
execFileSync('mkfifo', [path]);

/** Work before a sleep: without it the profiler takes the next sleep for the last one. */
function work() {
  for (const end = process.cpuUsage().user + 2000; process.cpuUsage().user < end; );
}

function waitForTime() {
  const start = performance.now();
  const result = Atomics.wait(cell, 0, 0, SECONDS * 1000);
  return `${result}${performance.now() - start < SECONDS * 1000 - 1 ? ', early' : ''}`;
}

function waitForChild() {
  return execFileSync('/bin/sh', ['-c', `sleep ${SECONDS}; cat; echo " and the child"`], {
    input: 'what was written to it',
    encoding: 'utf8',
  });
}

const byte = Buffer.alloc(1);

/** Each byte is written some time after the last one, so that it is waited for. */
function waitForPipe(pipe) {
  return `${readSync(pipe, byte)} ${byte}`;
}

const results = {};
const asleep = {};

function repeat(call, ...args) {
  const [signals, read] = [counter('signals_asleep'), counter('stacks_read')];
  const start = performance.now();
  const counts = {};
  for (let count = 0; count < REPEATS; count++) {
    work();
    const result = call(...args);
    counts[result] = (counts[result] ?? 0) + 1;
  }
  results[call.name] = counts;
  asleep[call.name] = {
    signals: counter('signals_asleep') - signals,
    read: counter('stacks_read') - read,
    milliseconds: performance.now() - start,
  };
}

repeat(waitForTime);
repeat(waitForChild);
const writer = `exec 3> ${path}; for i in $(seq ${REPEATS}); do sleep ${SECONDS}; printf x >&3; done`;
spawn('sh', ['-c', writer], { stdio: 'ignore' });
const reader = openSync(path, 'r');
repeat(waitForPipe, reader);
closeSync(reader);

// Small writes and reads of a pipe to itself: each is a system call that a signal can interrupt.
const pipe = openSync(path, 'r+');
const before = counter('samples');
let bytes = 0;
let sum = 0;
do {
  for (let round = 0; round < ROUNDS; round++) {
    writeSync(pipe, Buffer.from([bytes++ % 7]));
    readSync(pipe, byte);
    sum += byte[0];
  }
} while (running && counter('samples') - before < WANTED && bytes < LIMIT);
closeSync(pipe);
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ results, asleep, running: counter('samples') - before, bytes, sum }));
