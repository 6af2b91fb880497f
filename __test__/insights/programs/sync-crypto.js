'use strict';
const { pbkdf2Sync } = require('node:crypto');
const { during, requests } = require('./steady.js');

function checkPassword() {
  return pbkdf2Sync('secret', 'salt', 2000, 32, 'sha512');
}

requests(() => during(8, checkPassword));
