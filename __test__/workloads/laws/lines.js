'use strict';
// Two lines of one function burn known parts of its CPU time, and a third calls a function that may be inlined.
const { readFileSync } = require('node:fs');
const { ownCpu } = require('./lib/clock.js');
const { profiled } = require('./lib/profiled.js');

const MILLISECONDS = Number(process.argv[3]);
const spent = { first: 0, second: 0, call: 0 };

function callee(x, n) {
  for (let i = 0; i < n; i++) x = (x * 33 + i) % 65521; // line: callee
  return x;
}

function burn(rounds) {
  let x = 1;
  const start = ownCpu();
  for (let i = 0; i < rounds; i++) x = (x * 31 + i) % 65537; // line: first
  const middle = ownCpu();
  for (let i = 0; i < rounds * 3; i++) x = (x * 29 + i) % 65543; // line: second
  const late = ownCpu();
  for (let i = 0; i < rounds; i += 500) x = callee(x, 500); // line: call
  const end = ownCpu();
  spent.first += middle - start;
  spent.second += late - middle;
  spent.call += end - late;
  return x;
}

const total = () => spent.first + spent.second + spent.call;

/** The number of the line that is marked with this name. */
function lineOf(name) {
  return readFileSync(__filename, 'utf8').split('\n').findIndex((line) => line.endsWith(`// line: ${name}`)) + 1;
}

/** The tier of a function's code, by the bits of V8's test function; from Node.js 26 they stand one lower. */
function tierOf(work) {
  const status = new Function('work', 'return %GetOptimizationStatus(work)')(work);
  const shift = Number.parseInt(process.versions.node, 10) >= 26 ? 1 : 0;
  const bits = { maglev: 5, turbofan: 6, interpreter: 7, sparkplug: 15 };
  return Object.keys(bits).find((tier) => status & (1 << (bits[tier] - shift)));
}

profiled(async () => {
  // Starts small and doubles until one call takes some 30 ms.
  let rounds = 1000;
  while (total() < MILLISECONDS * 1e6) {
    const before = total();
    // Calls of one length, a whole number of the kernel's ticks, would be sampled at the same few places for ever.
    const length = 0.5 + Math.random();
    burn(Math.round(rounds * length));
    if ((total() - before) / length < 15e6) rounds *= 2;
  }
  const lines = Object.fromEntries(['first', 'second', 'call', 'callee'].map((name) => [name, lineOf(name)]));
  return { lines, spent, tier: tierOf(burn) };
});
