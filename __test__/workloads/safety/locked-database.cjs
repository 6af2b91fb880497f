/**
 * Waits for a database (the path in the first argument) that another process has locked for four seconds, with a time-out
 * of five, beside a busy worker; prints what came of it and how long it took.
 */
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { DatabaseSync } = require('node:sqlite');

const TIMEOUT = 5000;
const LOCKED = 4000;
const path = process.argv[2];
const database = new DatabaseSync(path);
database.exec(`create table rows (value); pragma busy_timeout = ${TIMEOUT}`);

function insertRow() {
  try {
    database.exec('insert into rows values (1)');
    return 'inserted';
  } catch (error) {
    return error.message;
  }
}

const LOCK = `
  const { DatabaseSync } = require('node:sqlite');
  const database = new DatabaseSync(process.argv[1]);
  database.exec('begin exclusive');
  console.log('locked');
  setTimeout(() => database.exec('commit'), ${LOCKED});`;

(async () => {
  const busy = new Worker('require("node:worker_threads").parentPort.postMessage(0); for (;;);', { eval: true });
  await once(busy, 'message');
  const other = spawn(process.execPath, [...process.execArgv.filter((flag) => /sqlite/.test(flag)), '-e', LOCK, path], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(other.stdout, 'data');
  const start = performance.now();
  const result = insertRow();
  console.log(JSON.stringify({ result, milliseconds: performance.now() - start }));
  process.exit();
})();
