'use strict';
const { pbkdf2 } = require('node:crypto');
const { goesOn } = require('./steady.js');

/** More at a time than the pool has threads. */
function hashPassword() {
  pbkdf2('secret', 'salt', 40_000, 32, 'sha512', () => {
    if (goesOn()) hashPassword();
  });
}
for (let index = 0; index < 16; index++) hashPassword();
