'use strict';
// A server that nobody calls, under a profiler, until it is killed.
const { createServer } = require('node:net');
const { Profiler } = require('everflame');

new Profiler().start();
createServer().listen(0, '127.0.0.1', () => console.log('ready'));
