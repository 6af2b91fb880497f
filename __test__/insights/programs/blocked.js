'use strict';
const { during, goesOn } = require('./steady.js');

let seed = 1;
function priceAll() {
  for (let index = 0; index < 10_000; index++) seed = (seed * 16_807) % 2_147_483_647;
  return seed;
}

/** Whoever comes meanwhile waits. */
function makeReport() {
  during(300, priceAll);
  if (goesOn()) setTimeout(makeReport, 200);
}
setTimeout(makeReport, 200);
