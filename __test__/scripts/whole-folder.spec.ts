import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { ROOT } from '../support/spawn.js';

type MakeWhole = (
  folder: string,
  fill: (filling: string) => Promise<string | undefined> | Promise<void>,
) => Promise<void>;

const MODULE = pathToFileURL(join(ROOT, 'scripts', 'setup', 'whole-folder.mjs')).href;

test('a folder is there whole or as it was, with nothing beside it', async (t) => {
  const { makeWhole } = (await import(MODULE)) as { makeWhole: MakeWhole };
  const cache = join(temporaryFolder(t), 'cache');
  const folder = join(cache, '20');
  const write = (into: string, text: string): void => writeFileSync(join(into, 'node'), text);
  const there = (): [string[], string[], string] => [
    readdirSync(cache),
    readdirSync(folder),
    readFileSync(join(folder, 'node'), 'utf8'),
  ];
  await makeWhole(folder, async (filling) => write(filling, 'first'));
  t.deepEqual(there(), [['20'], ['node'], 'first']);
  const torn = makeWhole(folder, async (filling) => {
    write(filling, 'half');
    throw new Error('the connection was lost');
  });
  await t.throwsAsync(torn, { message: 'the connection was lost' });
  t.deepEqual(there(), [['20'], ['node'], 'first']);
  await makeWhole(folder, async (filling) => {
    write(filling, 'archive');
    mkdirSync(join(filling, 'package'));
    write(join(filling, 'package'), 'second');
    return 'package';
  });
  t.deepEqual(there(), [['20'], ['node'], 'second']);
});
