'use strict';
const { during, requests } = require('./steady.js');

/** What each request leaves behind lives for some requests longer: the collector copies it twice, and finds it dead when it is old. */
const kept = [];

function buildRows() {
  const rows = [];
  for (let index = 0; index < 6000; index++) rows.push({ index, next: { index, list: [index] } });
  kept.push(rows);
  if (kept.length > 15) kept.shift();
  return rows.length;
}

requests(() => during(8, buildRows));
