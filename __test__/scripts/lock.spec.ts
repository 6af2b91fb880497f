import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { ROOT, start } from '../support/spawn.js';

const LOCK = JSON.stringify(pathToFileURL(join(ROOT, 'scripts', 'setup', 'lock.mjs')).href);

/** Adds one to the number in a file, some time after it has read it. */
const ADD = `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { withLock } from ${LOCK};
  const [file] = process.argv.slice(2);
  await withLock(file, async () => {
    const number = Number(readFileSync(file, 'utf8'));
    await sleep(50);
    writeFileSync(file, String(number + 1));
  });`;

/** Has the lock until it is killed. */
const HOLD = `
  import { withLock } from ${LOCK};
  await withLock(process.argv[2], () => new Promise(() => {
    console.log('locked');
    setInterval(() => {}, 1000);
  }));`;

test('of several processes one is inside a lock, and the others follow', async (t) => {
  const folder = temporaryFolder(t, { 'add.mjs': ADD, number: '0' });
  const file = join(folder, 'number');
  const adders = Array.from({ length: 5 }, () => start(process.execPath, [join(folder, 'add.mjs'), file]));
  for (const { ended } of adders) {
    const { code, stderr } = await ended;
    t.is(code, 0, stderr);
  }
  t.is(readFileSync(file, 'utf8'), '5');
});

test('a lock is free again when its holder is killed', async (t) => {
  const folder = temporaryFolder(t, { 'add.mjs': ADD, 'hold.mjs': HOLD });
  const file = join(folder, 'number');
  writeFileSync(file, '0');
  const holder = start(process.execPath, [join(folder, 'hold.mjs'), file]);
  await holder.said('locked');
  const adder = start(process.execPath, [join(folder, 'add.mjs'), file]);
  holder.child.kill('SIGKILL');
  await holder.ended;
  t.is((await adder.ended).code, 0);
  t.is(readFileSync(file, 'utf8'), '1');
});
