/** What profiles tell of event loops, memory and the garbage collector, from a client to the answers and the command. */
import { join } from 'node:path';
import test from 'ava';
import { FolderStore } from '#src/collector/native-store.js';
import { Logger } from '#src/log.js';
import { encodeProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { CLI, run } from '../support/spawn.js';
import { openCollector } from './support/collector.js';
import { AGENT, agentUpload } from './support/upload.js';

const SECOND = 1000;
/** A whole minute, a while ago. */
const START = Math.floor(Date.now() / 60_000 - 10) * 60_000;
const MIB = 1024;

const METRICS = {
  start: START,
  step: SECOND,
  threads: [
    {
      id: '0',
      name: 'main',
      delay_us: [1200, null, 47_000, 5],
      active_us: [350_000, 250_000, 1_000_000, null],
      heap_kib: [20 * MIB, 21 * MIB, 22 * MIB, null],
    },
    {
      id: '3',
      name: '<img src=x>\n"worker"',
      delay_us: [9000, 1, 1, null],
      active_us: [0, 0, 0, 0],
      heap_kib: [8 * MIB, 8 * MIB, 7 * MIB, null],
    },
  ],
  rss_kib: [90 * MIB, 91 * MIB, 92 * MIB, null],
};

const STACKS = {
  app: [{ name: 'work', file: '/srv/app/work.js' }],
  gc: [{ name: 'work', file: '/srv/app/work.js' }, { name: '(garbage collector)' }],
  'gc below': [
    { name: 'work', file: '/srv/app/work.js' },
    { name: 'Garbage Collection' },
    { name: 'v8::Scavenge', module: '/bin/node' },
  ],
};

function profile(comment: string): Buffer {
  return encodeProfile(
    [['cpu', 'nanoseconds']],
    [
      { values: [300], stack: STACKS.app, thread: 'main' },
      { values: [70], stack: STACKS.gc, thread: 'main' },
      { values: [30], stack: STACKS['gc below'], thread: 'main' },
    ],
    { comment },
  );
}

interface Answer {
  step: number;
  processes: number;
  ignored: string[];
  metrics: {
    name: string;
    unit: string;
    series: { name: string; max: (number | null)[]; mean?: (number | null)[] }[];
  }[];
}

test('what a client tells is answered over HTTP and by the command', async (t) => {
  const folder = temporaryFolder(t);
  const logger = new Logger('error');
  const store = FolderStore.open(join(folder, 'store'), logger);
  const { ask, error, json } = await openCollector(t, { store });
  const send = async (comment: string, tags: string) => {
    const form = agentUpload(
      { 'wall.pprof': profile(comment) },
      {
        tags_profiler: `service:shop,${tags}`,
        start: new Date(START).toISOString(),
        end: new Date(START + 4 * SECOND).toISOString(),
      },
    );
    const { status, text } = await ask(AGENT, form);
    t.is(status, 200, text);
  };
  await send(`everflame.metrics:${JSON.stringify(METRICS)}`, 'env:prod,runtime-id:one');
  await send('everflame.metrics:{"start":', 'env:prod,runtime-id:two');
  const range = `service=shop&from=${START}&to=${START + 4 * SECOND}`;

  const answer = (await json(
    `/api/v1/metrics?${range}&step=1000&where=env:prod&where=thread+name:x`,
  )) as unknown as Answer;
  t.deepEqual(answer.ignored, ['thread name']);
  t.is(answer.processes, 1);
  t.deepEqual(
    answer.metrics.map(({ name, unit, series }) => [name, unit, series[0]?.max]),
    [
      ['delay', 'nanoseconds', [9_000_000, 1000, 47_000_000, 5000]],
      ['active', 'ratio', [0.35, 0.25, 1, null]],
      ['heap', 'bytes', [28, 29, 29, null].map((mib) => mib && mib * 2 ** 20)],
      ['rss', 'bytes', [90, 91, 92, null].map((mib) => mib && mib * 2 ** 20)],
    ],
  );
  const byThread = (await json(`/api/v1/metrics?${range}&step=4000&by=thread`)) as unknown as Answer;
  t.deepEqual(byThread.metrics[0]?.series, [
    { name: 'main', max: [47_000_000] },
    { name: '<img src=x>\n"worker"', max: [9_000_000] },
  ]);
  t.is(
    await error(`/api/v1/metrics?${range}&step=4000&by=thread+name`),
    '400 metrics are of processes: "thread name" is no tag of one; there is env, runtime-id, and thread',
  );
  t.like(await json(`/api/v1/series?${range}&step=4000&by=kind`), {
    series: [
      { name: 'app', values: [600] },
      { name: 'gc', values: [200] },
    ],
  });
  t.like(await json('/api/v1/status'), { store: { profiles: 2, metricsLeftOut: 1 } });
  await store.close();

  const query = async (...args: string[]) => {
    const { stdout, stderr, code } = await run(
      process.execPath,
      [CLI, 'query', ...args, '--store', join(folder, 'store')],
      { cwd: folder },
    );
    return code === 0 ? stdout : stderr;
  };
  const time = (seconds: number) => `${new Date(START + seconds * SECOND).toISOString().slice(0, 19)}Z`;
  t.is(
    await query('metrics', '--to', time(4), '--step', '1', '--where', 'thread name:x'),
    `1 process
not filtered by "thread name": no process has it as a tag, and metrics are of processes

from                    delay   active      heap       rss
${time(0)}  9.00 ms   35.0 %  28.0 MiB  90.0 MiB
${time(1)}  1.00 µs   25.0 %  29.0 MiB  91.0 MiB
${time(2)}  47.0 ms  100.0 %  29.0 MiB  92.0 MiB
${time(3)}  5.00 µs        -         -         -
`,
  );
  t.regex(await query('metrics', '--step', '4', '--by', 'thread'), /delay <img src=x>\\n"worker"/);
  t.regex(await query('metrics', '--where', 'env:none'), /^no metrics in this range\n$/);
  t.regex(
    await query('metrics', '--type', 'cpu'),
    /--type says nothing about metrics: leave it out, or ask for labels or table or series or profiles/,
  );
  t.regex(await query('metrics', '--by', 'thread name'), /"thread name" is no tag of one; there is env, /);
  t.regex(
    await query('series', '--by', 'kind', '--step', '60'),
    /^cpu: 800 ns\n\nfrom +app +gc\n.* 600 ns +200 ns\n$/,
  );
  t.like(JSON.parse(await query('metrics', '--json')), { processes: 1 });
});
