/** One file at a time, from the page: who may send it, what it becomes, and what is asked of it afterwards. */
import test from 'ava';
import { Files } from '#src/import/files.js';
import { openFilesStore } from '#src/import/files-store.js';
import { OF_PAGE } from '#src/import/limits.js';
import { Logger } from '#src/log.js';
import { cpuProfile, SMALL } from '../import/support/cpuprofile.js';
import { encodeProfile } from '../support/build-profile.js';
import { askAt, openCollector } from './support/collector.js';

const PATH = '/api/v1/import';
const CPU = JSON.stringify(cpuProfile(SMALL, [2, 3, 4], [10, 20, 30]));
const WRITTEN = Date.UTC(2026, 0, 15, 12);

interface Shown {
  service: string;
  from: number;
  to: number;
  types: { name: string; total: number }[];
}

test('a file becomes a service beside those that are collected, and is in none of them', async (t) => {
  const { ask, json, store } = await openCollector(t);
  store.serviceNames = ['shop'];
  const { status, text } = await ask(`${PATH}?name=a.cpuprofile&modified=${WRITTEN}`, {
    method: 'POST',
    body: CPU,
  });
  t.is(status, 200, text);
  const shown = JSON.parse(text) as Shown;
  t.like(shown, {
    service: 'a.cpuprofile',
    file: 'a.cpuprofile',
    format: 'cpuprofile',
    to: WRITTEN,
    again: false,
  });
  t.deepEqual(
    shown.types.map(({ name, total }) => [name, total]),
    [
      ['sample', 3],
      ['wall', 60_000],
      ['cpu', 60_000],
    ],
  );
  const { services } = (await json('/api/v1/services')) as { services: { name: string }[] };
  t.deepEqual(
    services.map(({ name }) => name),
    ['shop', 'a.cpuprofile'],
  );
  t.deepEqual(store.uploads, [], 'nothing of it is collected');

  const all = `service=a.cpuprofile&from=0&to=${Date.now()}`;
  t.like(await json(`/api/v1/table?${all}&type=wall&by=function`), { total: 60_000 });
  const tree = await ask(`/api/v1/tree?${all}`);
  t.is(tree.body.toString('latin1', 0, 4), 'EFT1');
  t.deepEqual(
    store.asked.filter(({ query }) => query !== 'services'),
    [],
    'questions about it go to its own store',
  );
  await ask(`/api/v1/table?service=shop&by=function`);
  t.is(store.asked.filter(({ query }) => query === 'table').length, 1);
});

test('files are compared with files, and not with what is collected', async (t) => {
  const { ask, error } = await openCollector(t);
  for (const [name, body] of [
    ['a', 'main 3'],
    ['b', 'main 5'],
  ])
    t.is((await ask(`${PATH}?name=${name}`, { method: 'POST', body: body as string })).status, 200);
  const to = Date.now() + 1000;
  const side = (service: string) => encodeURIComponent(`service=${service}&from=0&to=${to}`);
  t.is((await ask(`/api/v1/diff?a=${side('a')}&b=${side('b')}`)).status, 200);
  t.is(
    await error(`/api/v1/diff?a=${side('a')}&b=${side('shop')}`),
    '400 a file that was dropped on the page can be compared with another such file, and not with what was collected: drop that as a file too.',
  );
});

test('a file does not take the name of a service', async (t) => {
  const { ask, store } = await openCollector(t);
  store.serviceNames = ['shop'];
  const { text } = await ask(`${PATH}?name=shop`, { method: 'POST', body: 'main 3' });
  t.like(JSON.parse(text), { service: 'shop (2)', file: 'shop' });
});

test('a path is no part of a name', async (t) => {
  const { ask } = await openCollector(t);
  const name = encodeURIComponent('../../etc/C:\\x\\passwd');
  const { text } = await ask(`${PATH}?name=${name}`, { method: 'POST', body: 'main 3' });
  t.like(JSON.parse(text), { service: 'passwd' });
});

test('what cannot be shown has a sentence, and is counted', async (t) => {
  const { ask, error, json, collector } = await openCollector(t, { limits: { bodyBytes: 1024 * 1024 } });
  t.truthy(collector);
  const accepted =
    'Accepted are pprof, .cpuprofile and .heapprofile of V8, speedscope JSON and collapsed stacks, plain or compressed with gzip.';
  const post = (body: string | Buffer) => ({ method: 'POST', body });
  t.is(
    await error(`${PATH}?name=a.json`, post('{"nodes": [')),
    `400 a.json cannot be shown: read as JSON, it ends in the middle, at character 11: it was not written or copied whole. ${accepted}`,
  );
  t.is(await error(`${PATH}?name=a`, post('')), `400 a cannot be shown: it is empty. ${accepted}`);
  t.is(
    await error(`${PATH}?name=a`, post(Buffer.alloc(1024 * 1024 + 1))),
    '413 a has more than 1 MiB, or 128 MiB unpacked. Show it with "everflame view <file>", or compress it with gzip.',
  );
  t.regex(await error(PATH, post('main 3')), /^400 name is missing\. Give the name of the file\.$/);
  t.regex(
    await error(`${PATH}?name=${'a'.repeat(300)}`, post('main 3')),
    /^400 the name of the file is longer than 256/,
  );
  t.regex(
    await error(`${PATH}?name=a&modified=soon`, post('main 3')),
    /^400 modified is "soon"\. Give milliseconds/,
  );
  t.regex(await error(`${PATH}?name=a&other=1`, post('main 3')), /^400 other is no parameter here/);
  const negative = encodeProfile([['cpu', 'nanoseconds']], [{ values: [-7], stack: [{ name: 'f' }] }]);
  t.regex(
    await error(`${PATH}?name=a`, post(negative)),
    /^400 a cannot be shown: it has a value below zero: differences/,
  );
  t.is((await ask(`${PATH}?name=a`)).status, 405);
  const status = await json('/api/v1/status');
  t.like(status.refused, { profile: 3, 'too-large': 1 });
  t.is(status.heldBytes, 0);
  t.deepEqual(await json('/api/v1/services'), { services: [] });
});

test('another page may not have a file shown', async (t) => {
  const { ask } = await openCollector(t);
  for (const headers of [
    { Origin: 'http://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { Host: 'evil.example' },
  ])
    t.is((await ask(`${PATH}?name=a`, { method: 'POST', headers, body: 'main 3' })).status, 403);
  t.is((await ask('/api/v1/services')).text.includes('"a"'), false);
});

test('who must show a token must show it here too', async (t) => {
  const token = 'abcdefghijklmnopqrstuvwxyz012345';
  const { ask } = await openCollector(t, { token });
  const post = { method: 'POST', body: 'main 3' };
  t.is((await ask(`${PATH}?name=a`, post)).status, 403);
  t.is((await ask(`${PATH}?name=a`, { ...post, headers: { Authorization: `Bearer ${token}` } })).status, 200);
});

test('while a file is read others are answered', async (t) => {
  const { ask, url } = await openCollector(t);
  const samples = Array.from({ length: 200_000 }, (_, index) => 2 + (index % 2));
  const body = JSON.stringify(
    cpuProfile(
      SMALL,
      samples,
      samples.map(() => 1000),
    ),
  );
  let isDone = false;
  const reading = ask(`${PATH}?name=large`, { method: 'POST', body }).finally(() => {
    isDone = true;
  });
  let answered = 0;
  while (!isDone) {
    t.is((await askAt(url, '/api/v1/status')).status, 200);
    if (!isDone) answered += 1;
  }
  t.is((await reading).status, 200);
  t.true(answered > 0, `${answered} answers`);
});

test('a file does not wait for another', async (t) => {
  class Busy extends Files {
    override get pending(): number {
      return 1;
    }
  }
  const files = new Busy(() => openFilesStore(new Logger('error')), OF_PAGE);
  const { error, ask } = await openCollector(t, { files });
  const post = { method: 'POST', body: 'main 3' };
  t.is(
    await error(`${PATH}?name=a`, post),
    '503 another file is being read. Send this one when that is done.',
  );
  t.is((await ask(`${PATH}?name=a`, post)).headers['retry-after'], '5');
});
