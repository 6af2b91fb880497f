'use strict';
// CPU time in places that have no script of their own.
const { profiled } = require('./lib/profiled.js');
const { Slices } = require('./lib/slices.js');

const MILLISECONDS = 800;

// (module (func (export "wasmSpin") (param i32) (result i32) counts down from the argument)), with its name.
const WASM = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x03, 0x02,
  0x01, 0x00, 0x07, 0x0c, 0x01, 0x08, 0x77, 0x61, 0x73, 0x6d, 0x53, 0x70, 0x69, 0x6e, 0x00, 0x00, 0x0a, 0x12,
  0x01, 0x10, 0x00, 0x03, 0x40, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x20, 0x00, 0x0b,
  0x00, 0x12, 0x04, 0x6e, 0x61, 0x6d, 0x65, 0x01, 0x0b, 0x01, 0x00, 0x08, 0x77, 0x61, 0x73, 0x6d, 0x53, 0x70,
  0x69, 0x6e,
]);
const { wasmSpin } = new WebAssembly.Instance(new WebAssembly.Module(WASM)).exports;

const TEXT = `${'a'.repeat(16)}b`;

const STATEMENTS = 'if (this.a + this.b > 7) this.c = [this.a, { b: this.b }];\n'.repeat(1000);
let texts = 0;

const evaluated = (0, eval)(`
  (function evaluatedSpin(rounds) {
    let x = 1;
    for (let i = 0; i < rounds; i++) x = (x * 31 + i) % 65537;
    return x;
  })
  //# sourceURL=made-by-eval.js
`);

const repeat = (rounds, work) => {
  for (let i = 0; i < rounds; i++) work();
};

const WORK = {
  callsWasm: (rounds) => wasmSpin(rounds * 1000),
  // Takes exponential time to find that nothing matches.
  callsRegExp: (rounds) => repeat(rounds / 1000, () => /^(a+)+$/.test(TEXT)),
  callsEvaluated: (rounds) => evaluated(rounds * 100),
  // Each text is another, so that V8 has it in no cache.
  callsCompiler: (rounds) => repeat(rounds / 1000, () => new Function(`${STATEMENTS}return ${texts++};`)),
  // Only what the thread itself collects: helpers are switched off by a flag.
  callsCollector: (rounds) => repeat(rounds / 1000, gc),
  makesGarbage: (rounds) => fill(rounds * 10).length,
};

function fill(rounds) {
  const objects = [];
  for (let i = 0; i < rounds; i++) objects.push({ number: i, pair: [i, i + 1] });
  return objects;
}

profiled(async () => {
  const kept = Array.from({ length: 200_000 }, (_, i) => ({ i }));
  const spent = {};
  for (const [name, work] of Object.entries(WORK)) {
    const slices = new Slices(100, work);
    while (slices.spent < MILLISECONDS * 1e6) slices.run();
    spent[name] = slices.spent;
  }
  return { spent, kept: kept.length };
});
