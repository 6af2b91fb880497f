'use strict';
const { requests } = require('./steady.js');

function isListOfWords(text) {
  return /^(\w+\s?)*$/.test(text);
}

requests(() => isListOfWords(`${'a'.repeat(19)}!`));
