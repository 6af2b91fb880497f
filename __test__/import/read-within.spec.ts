import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readWithin } from '#src/import/read-within.js';
import { temporaryFolder } from '../support/folder.js';
import { ROOT } from '../support/spawn.js';

const MODULE = join(ROOT, 'dist', 'src', 'import', 'read-within.js');
const MIB = 1024 * 1024;
const TOO_MUCH = { message: 'it has more than 2 MiB' };

test('a file is read as far as the limit, and no device for ever', (t) => {
  const folder = temporaryFolder(t, { empty: '', full: '' });
  const [empty, full] = [join(folder, 'empty'), join(folder, 'full')];
  truncateSync(full, 2 * MIB);
  t.deepEqual(readWithin(empty, 2 * MIB), { data: Buffer.alloc(0), modified: statSync(empty).mtimeMs });
  t.is(readWithin(full, 2 * MIB).data.length, 2 * MIB);
  truncateSync(full, 2 * MIB + 1);
  t.throws(() => readWithin(full, 2 * MIB), TOO_MUCH);
  t.throws(() => readWithin('/dev/zero', 2 * MIB), TOO_MUCH);
  t.throws(() => readWithin(folder, 2 * MIB), { code: 'EISDIR' });
  t.throws(() => readWithin(join(folder, 'gone'), 2 * MIB), { code: 'ENOENT' });
});

test('a pipe is read to its end', async (t) => {
  const script = `process.stdout.write(String(require(${JSON.stringify(MODULE)}).readWithin('/dev/stdin', 2 * 1024 * 1024).data.length))`;
  const child = spawn('sh', ['-c', 'head -c 1500000 /dev/zero | "$0" -e "$1"', process.execPath, script]);
  const [said] = await once(child.stdout.setEncoding('utf8'), 'data');
  t.is(said, '1500000');
});
