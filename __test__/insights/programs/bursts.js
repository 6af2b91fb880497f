'use strict';
const { during, goesOn } = require('./steady.js');

/** CPU milliseconds of a call, and calls that come one after the other. */
const [CALL, CALLS] = [3, 100];

let seed = 1;
const step = () => {
  seed = (seed * 16_807) % 2_147_483_647;
  return seed;
};
const sell = () => during(CALL, step);
const buy = () => during(CALL, step);

/** Each call has a turn of the loop to itself, and whoever comes meanwhile waits for one of them. */
function burst(work, other, left) {
  work();
  if (!goesOn()) return;
  if (left > 1) setImmediate(burst, work, other, left - 1);
  else setImmediate(burst, other, work, CALLS);
}
// Not in the second of the start, which is a long call itself.
setTimeout(burst, 2200, sell, buy, CALLS);
