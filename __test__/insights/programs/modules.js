'use strict';
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { during, requests } = require('./steady.js');

const folder = mkdtempSync(join(tmpdir(), 'everflame-modules-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const lines = Array.from({ length: 300 }, (_, index) => `  sum += (value * ${index}) % 7;`);
for (let index = 0; index < 40; index++) {
  const text = `exports.price = (value) => {\n  let sum = ${index};\n${lines.join('\n')}\n  return sum;\n};`;
  writeFileSync(join(folder, `tariff-${index}.js`), text);
}

let count = 0;
/** With an empty cache each time. */
function loadTariff() {
  const file = join(folder, `tariff-${count++ % 40}.js`);
  delete require.cache[file];
  module.children.length = 0;
  return require(file);
}

requests(() => during(8, loadTariff));
