'use strict';
// A server that nobody calls, under the profiler of the preload or else one of its own, until it is killed.
const { createServer } = require('node:net');
const { Profiler } = require('everflame');

if (!globalThis[Symbol.for('everflame.running')]) new Profiler({ exporters: [] }).start();
createServer().listen(0, '127.0.0.1', () => console.log('ready'));
