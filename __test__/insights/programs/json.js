'use strict';
const { during, requests } = require('./steady.js');

const text = JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, name: `item ${id}`, price: id * 1.25, tags: ['a', 'b'] })));

function copyCatalogue() {
  return JSON.stringify(JSON.parse(text)).length;
}

requests(() => during(8, copyCatalogue));
