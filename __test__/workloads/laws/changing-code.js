'use strict';
// Code is made, optimised, thrown away and moved all the time.
const { ownCpu } = require('./lib/clock.js');
const { profiled } = require('./lib/profiled.js');

const MILLISECONDS = Number(process.argv[3]);

const SOURCES = [
  (n) => `let s = ${n}; for (let i = 0; i < n; i++) s = (s * 31 + i) % 65537; return s;`,
  (n) => `const list = []; for (let i = 0; i < n / 8; i++) list.push({ i, text: 'v' + i }); return list.length + ${n};`,
  (n) => `return [...Array(n / 16).keys()].sort((a, b) => ((b ^ ${n}) % 97) - ((a ^ ${n}) % 97)).length;`,
  (n) => `return 'a b c ${n}'.repeat(n / 64).replace(/\\w+/g, (word) => word + ${n}).length;`,
  (n) => `class Point { constructor(x) { this.x = x; } get twice() { return this.x * 2 + ${n}; } }
          let s = 0; for (let i = 0; i < n / 4; i++) s += new Point(i).twice; return s;`,
];

/** Sees a different shape now and then, so that its optimised code is thrown away. */
function polymorphic(item) {
  return item.value + 1;
}

function changing(round) {
  const made = new Function('n', SOURCES[round % SOURCES.length](round));
  let sum = 0;
  for (let i = 0; i < 20; i++) sum += made(512);
  for (let i = 0; i < 2000; i++) sum += polymorphic(i % 999 ? { value: i } : { ['k' + round]: 1, value: i });
  const evaluated = (0, eval)(`(function evaluated${round}(x) { return x + ${round}; })`);
  return sum + evaluated(round);
}

profiled(async () => {
  const start = ownCpu();
  let rounds = 0;
  while (ownCpu() - start < MILLISECONDS * 1e6) {
    for (let i = 0; i < 20; i++) changing(rounds++);
    if (rounds % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { rounds };
});
