'use strict';
const { readFileSync, writeFileSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { during, requests } = require('./steady.js');

const folder = mkdtempSync(join(tmpdir(), 'everflame-sync-fs-'));
const file = join(folder, 'page.html');
writeFileSync(file, 'x'.repeat(60_000));
process.on('exit', () => rmSync(folder, { recursive: true }));

function readTemplate() {
  return readFileSync(file);
}

requests(() => during(8, readTemplate));
