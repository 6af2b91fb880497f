'use strict';
const { gzipSync } = require('node:zlib');
const { during, requests } = require('./steady.js');

const page = Buffer.from(Array.from({ length: 8000 }, (_, index) => `row ${index * 7919}`).join('\n'));

function packPage() {
  return gzipSync(page);
}

requests(() => during(8, packPage));
