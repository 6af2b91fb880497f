/** A selection as one file, over HTTP. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FOR_EVER, FolderStore } from '#src/collector/native-store.js';
import { Reporter } from '#src/export/reporter.js';
import { Logger } from '#src/log.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { readReport } from '../support/report-file.js';
import { ROOT } from '../support/spawn.js';
import { openCollector } from './support/collector.js';

const PAGE = join(ROOT, 'dist', 'viewer');
const START = 1_750_000_000_000n * 1_000_000n;
const RANGE = 'service=sh%22op%2F..&from=1750000000000&to=1750000060000';

async function filled(t: ExecutionContext): Promise<FolderStore> {
  const store = FolderStore.open(join(temporaryFolder(t), 'store'), new Logger('error'), FOR_EVER);
  t.teardown(() => store.close());
  const data = encodeProfile(
    [
      ['wall', 'nanoseconds'],
      ['cpu', 'nanoseconds'],
    ],
    [
      { values: [3, 5], stack: [{ name: 'main', file: '/srv/main.js' }], thread: 'mine' },
      { values: [7, 11], stack: [{ name: 'main', file: '/srv/main.js' }], thread: 'other' },
    ],
  );
  await store.ingest([
    {
      service: 'sh"op/..',
      tags: [['version', '1']],
      start: START,
      end: START + 10_000_000_000n,
      client: 'test',
      profiles: [{ name: 'wall.pprof', format: 'pprof', data }],
    },
  ]);
  return store;
}

test('a report is a file to be kept, with the selection in it', async (t) => {
  const { ask } = await openCollector(t, { store: await filled(t), page: PAGE });
  const { status, headers, text } = await ask(`/api/v1/report?${RANGE}&where=thread+name:mine`);
  t.is(status, 200, text);
  t.is(headers['content-type'], 'text/html; charset=utf-8');
  t.is(headers['content-disposition'], 'attachment; filename="sh_op_..-2025-06-15T15-07-40.html"');
  // Shown in a browser nevertheless, nothing of it runs in the name of the collector.
  t.is(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
  const { heading, sums } = readReport(text);
  t.deepEqual(sums, [3, 5]);
  t.deepEqual(heading.where, ['thread name:mine']);
  t.deepEqual(heading.profiles.profiles, []);
});

test('with strip=1 it is without folders and values', async (t) => {
  const { ask } = await openCollector(t, { store: await filled(t), page: PAGE });
  const { heading, sums } = readReport((await ask(`/api/v1/report?${RANGE}&strip=1&type=cpu`)).text);
  t.deepEqual(sums, [16]);
  t.deepEqual(heading.frames.file, ['main.js']);
  t.deepEqual(
    heading.labels.flat().map(([, value]) => value),
    ['#1', '#2'],
  );
  t.deepEqual(heading.groups[0]?.tags, { version: '#1' });
});

test('without samples, and without a page, there is no report', async (t) => {
  const store = await filled(t);
  const { error } = await openCollector(t, { store, page: PAGE });
  t.regex(
    await error(`/api/v1/report?${RANGE}&where=thread+name:none`),
    /^404 there are no samples of "sh\\"op\/\.\." from 2025-06-15T\S+ to 2025-06-15T\S+ with these labels and tags\. Choose/,
  );
  t.is(
    await error('/api/v1/report?service=nobody'),
    '404 there is no service "nobody": "everflame query services" says what there is',
  );
  t.regex(
    await error(`/api/v1/report?${RANGE}&type=heap`),
    /^404 ".*" has no values of type "heap"; it has /,
  );
  const empty = await openCollector(t, { store });
  t.regex(
    await empty.error(`/api/v1/report?${RANGE}`),
    /^404 the page that a report is made of is not built: there is no whole page in \S+\. In a checkout .* run: npm run build:viewer$/,
  );
});

test('a report that takes too long or too much memory is refused, and says what to do', async (t) => {
  const { folder } = await filled(t);
  const [from, to] = [1_750_000_000_000, 1_750_000_060_000];
  const selection = { service: 'sh"op/..', from, to, where: [] };
  const request = { folder, selection, isStripped: false, page: PAGE };
  for (const [limits, what] of [
    [{ mebibytes: 1536, milliseconds: 1 }, '0.001 s'],
    [{ mebibytes: 3, milliseconds: 60_000 }, '3 MiB'],
  ] as const) {
    await t.throwsAsync(new Reporter(limits).make(request), {
      code: 'BAD_QUERY',
      message: `a report of this takes more than ${what}. Choose a shorter range or one process, or use "everflame export --html", which takes its time`,
    });
  }
  const { sums } = readReport((await new Reporter().make(request)).toString());
  t.deepEqual(sums, [10, 16]);
});

test('one report is made, one waits, and more are refused for now', async (t) => {
  const { ask } = await openCollector(t, { store: await filled(t), page: PAGE });
  const answers = await Promise.all([1, 2, 3].map(() => ask(`/api/v1/report?${RANGE}`)));
  t.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 503]);
  t.is(
    answers.find(({ status }) => status === 503)?.text,
    '{"error":"other reports are being made: ask again when they are done"}',
  );
});

test('a collector that ends makes no report', async (t) => {
  const { folder } = await filled(t);
  const request = {
    folder,
    selection: { service: 'sh"op/..', from: 1_750_000_000_000, to: 1_750_000_060_000, where: [] },
    isStripped: false,
    page: PAGE,
  };
  const reporter = new Reporter();
  const [first, second] = [reporter.make(request), reporter.make(request)];
  await new Promise((resolve) => setTimeout(resolve, 20));
  reporter.close();
  const busy = {
    code: 'BUSY',
    message: 'the collector ends: start it again, and ask for the report then',
  };
  for (const made of [first, second]) await t.throwsAsync(made, busy);
  await t.throwsAsync(reporter.make(request), busy);
});
