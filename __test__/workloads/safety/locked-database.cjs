/**
 * Waits beside a busy worker for a database (the path in the first argument) that another process has locked: first with a
 * time-out that ends before the lock does, then with one that does not. Prints of both what came of it and how long it took.
 *
 * SQLite counts its time-out in the sleeps that it asked for, and not by the clock: sleeps that are cut short make it give
 * up early. A loaded machine makes them longer, so the first wait has a shortest time however busy it is, and the second
 * one a time-out that no load comes near to.
 */
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { DatabaseSync } = require('node:sqlite');

const GIVE_UP = 2000;
/** How long the lock stays after the first wait. */
const LOCKED = 4000;
const WAIT = 60_000;
const path = process.argv[2];
const database = new DatabaseSync(path);
database.exec('create table rows (value)');

function insertRow(timeout) {
  database.exec(`pragma busy_timeout = ${timeout}`);
  const start = performance.now();
  let result = 'inserted';
  try {
    database.exec('insert into rows values (1)');
  } catch (error) {
    result = error.message;
  }
  return { timeout, result, milliseconds: performance.now() - start };
}

const LOCK = `
  const { DatabaseSync } = require('node:sqlite');
  const database = new DatabaseSync(process.argv[1]);
  database.exec('begin exclusive');
  console.log('locked');
  process.stdin.once('data', () => setTimeout(() => database.exec('commit'), ${LOCKED}));`;

(async () => {
  const busy = new Worker('require("node:worker_threads").parentPort.postMessage(0); for (;;);', { eval: true });
  await once(busy, 'message');
  const other = spawn(process.execPath, [...process.execArgv.filter((flag) => /sqlite/.test(flag)), '-e', LOCK, path], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(other.stdout, 'data');
  const gaveUp = insertRow(GIVE_UP);
  await new Promise((resolve) => other.stdin.write('release', resolve));
  const waited = insertRow(WAIT);
  console.log(JSON.stringify({ gaveUp, waited }));
  process.exit();
})();
