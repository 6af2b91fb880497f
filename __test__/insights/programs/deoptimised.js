'use strict';
const { setFlagsFromString } = require('node:v8');
const { during, requests } = require('./steady.js');

// What a program brings about with values that change their kind, V8's own tests do on demand: that is the same in each release.
setFlagsFromString('--allow-natives-syntax');
const { optimise, deoptimise } = new Function(`return {
  optimise: (code) => { %PrepareFunctionForOptimization(code); code(1); %OptimizeFunctionOnNextCall(code); },
  deoptimise: (code) => %DeoptimizeFunction(code),
};`)();

/** All calls that are under way go on in the interpreter, one after the other, when they are returned to. */
function walk(depth) {
  if (depth > 0) return walk(depth - 1) + depth;
  deoptimise(walk);
  return 0;
}

function measure() {
  optimise(walk);
  return walk(500);
}

requests(() => during(8, measure));
