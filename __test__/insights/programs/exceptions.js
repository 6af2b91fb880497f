'use strict';
const { during, requests } = require('./steady.js');

function parsePrice(text, depth) {
  if (depth > 0) return parsePrice(text, depth - 1);
  throw new Error(`no price: ${text}`);
}

function priceOr(otherwise) {
  try {
    return parsePrice('x', 12);
  } catch (error) {
    return error.stack.length > 0 ? otherwise : 0;
  }
}

requests(() => during(8, () => priceOr(0)));
