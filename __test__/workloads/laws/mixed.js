'use strict';
// JavaScript that native code calls, which JavaScript has called.
const { pbkdf2 } = require('node:crypto');
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { promisify } = require('node:util');
const { ownCpu } = require('./lib/clock.js');
const { profiled } = require('./lib/profiled.js');

const FOLDER = process.argv[3];
const MILLISECONDS = 300;

function spin(rounds) {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (x * 31 + i) % 65537;
  return x;
}

function compares(a, b) {
  spin(20_000);
  return a - b;
}

function sorts() {
  return [3, 1, 2, 5, 4].sort(compares);
}

function revives(key, value) {
  spin(20_000);
  return value;
}

function parses() {
  return JSON.parse('{"a":[1,2,{"b":3}]}', revives);
}

function replaces(text) {
  spin(20_000);
  return text;
}

function rewrites() {
  return 'a b c'.replace(/\w/g, replaces);
}

const MODULE = join(FOLDER, 'loaded.js');
writeFileSync(MODULE, `module.exports = function loaded(spin) { return spin(50000); };\nwhileLoading();\n`);
globalThis.whileLoading = function whileLoading() {
  spin(50_000);
};

function requires() {
  delete require.cache[MODULE];
  require(MODULE);
}

profiled(async () => {
  for (const work of [sorts, parses, rewrites, requires]) {
    const start = ownCpu();
    while (ownCpu() - start < MILLISECONDS * 1e6) work();
  }
  await promisify(pbkdf2)('password', 'salt', 800_000, 32, 'sha512');
  return {};
});
