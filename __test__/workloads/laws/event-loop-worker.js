'use strict';
const { parentPort } = require('node:worker_threads');
const { blockInTurns } = require('./lib/blocks.js');

blockInTurns([190, 410, 30]).then((truth) => parentPort.postMessage(truth));
