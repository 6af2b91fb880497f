/** Real clients send to a real collector over the real store: what it answers adds up to what they sent, to the unit. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readProfile } from '#src/profile/read.js';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { installed } from '../support/real-receivers/program.js';
import { AUTO, ROOT, run, start } from '../support/spawn.js';
import { ZSTD_NODE } from '../support/zstd.js';
import { until } from './support/collector.js';
import { gather, profilesOf, type Recorded } from './support/recorded.js';
import { assertTotals, sumsOf } from './support/totals.js';

const UPLOADS = 3;

const peers = createRequire(join(ROOT, 'bench', 'package.json'));
/** dd-trace 6 wants Node.js 22. */
const LEAST_MAJOR = 22;
const NODE = testNodes().find(({ major }) => Number(major) >= LEAST_MAJOR)?.path;

/** Works for a while and rests for a while, and leaves when it is told to. */
const PROGRAM = `${BURN}
setInterval(burn, 40, 20);
process.on('SIGUSR2', () => process.exit(0));
`;

function countOf(recorded: readonly Recorded[], service: string): number {
  return recorded.filter(({ upload }) => upload.service === service).length;
}

/** Lets a program run until several uploads of it are kept. */
async function runClient(
  t: ExecutionContext,
  recorded: readonly Recorded[],
  node: string,
  preload: string,
  env: Record<string, string>,
): Promise<void> {
  const cwd = temporaryFolder(t, { 'app.js': PROGRAM });
  const { child, ended } = start(node, ['-r', preload, 'app.js'], { cwd, env, timeout: 110_000 });
  t.teardown(() => child.kill('SIGKILL'));
  await until(() => countOf(recorded, 'shop') >= UPLOADS, `${UPLOADS} uploads`);
  child.kill('SIGUSR2');
  await ended;
}

const TIMES = ['wall nanoseconds', 'cpu nanoseconds'];

test('dd-trace', async (t) => {
  if (NODE === undefined) {
    t.true(testNodes().every(({ major }) => Number(major) < LEAST_MAJOR));
    return;
  }
  const { recorded, opened } = await gather(t, (url, came) =>
    runClient(t, came, NODE, peers.resolve('dd-trace/init'), {
      DD_PROFILING_ENABLED: 'true',
      DD_PROFILING_UPLOAD_PERIOD: '1',
      // Which the oldest Node.js can read, too.
      DD_PROFILING_DEBUG_UPLOAD_COMPRESSION: 'gzip',
      DD_SERVICE: 'shop',
      DD_TRACE_AGENT_URL: url,
    }),
  );
  const profiles = profilesOf(recorded, 'shop');
  t.true((sumsOf(profiles).get('inuse_space bytes') ?? 0) > 0);
  await assertTotals(t, opened, 'shop', profiles, /^burn$/, TIMES);
});

test('@pyroscope/nodejs', async (t) => {
  const folder = temporaryFolder(t, {
    'profile.js': `const Pyroscope = require(${JSON.stringify(peers.resolve('@pyroscope/nodejs'))});
      Pyroscope.init({ appName: 'shop', serverAddress: process.env.SERVER, flushIntervalMs: 1000, wall: { collectCpuTime: true, samplingDurationMs: 1000 } });
      Pyroscope.start();`,
  });
  const { recorded, opened } = await gather(t, (url, came) =>
    runClient(t, came, process.execPath, join(folder, 'profile.js'), { SERVER: url }),
  );
  const profiles = profilesOf(recorded, 'shop');
  // It writes names as path:function:line.
  await assertTotals(t, opened, 'shop', profiles, /:burn:/, TIMES);
});

test('ddtrace for Python', async (t) => {
  if (ZSTD_NODE === undefined) {
    // It compresses with nothing else.
    t.true(testNodes().every(({ major }) => Number(major) < LEAST_MAJOR));
    return;
  }
  const cwd = temporaryFolder(t, {
    'app.py': `import ddtrace.profiling.auto
import time
def handle_order():
    end = time.process_time() + 0.5
    count = 0
    while time.process_time() < end:
        count += sum(range(1000))
for _ in range(4):
    handle_order()
    time.sleep(0.2)
`,
  });
  const { recorded, opened } = await gather(t, async (url) => {
    const python = installed('ddtrace', 'bin', 'python3');
    const { code, stderr } = await run(python, ['app.py'], {
      cwd,
      env: {
        DD_PROFILING_UPLOAD_INTERVAL: '1',
        DD_SERVICE: 'shop',
        DD_TRACE_AGENT_URL: url,
        // Nothing of a test is to leave the machine, and traces are for an Agent.
        DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
        DD_REMOTE_CONFIGURATION_ENABLED: 'false',
        DD_TRACE_ENABLED: 'false',
      },
    });
    t.deepEqual([code, stderr], [0, '']);
  });
  t.true(countOf(recorded, 'shop') >= 2, `${recorded.length} uploads`);
  for (const { upload } of recorded) t.is(upload.client, 'dd-trace-py/4.16.0');
  const profiles = profilesOf(recorded, 'shop');
  const times = ['wall-time nanoseconds', 'cpu-time nanoseconds'];
  await assertTotals(t, opened, 'shop', profiles, /^handle_order$/, times);
});

test('Everflame, as an Agent, Pyroscope and OTLP get it', async (t) => {
  const ways = ['datadog', 'pyroscope', 'otlp'] as const;
  const folder = temporaryFolder(t, {
    'app.js': `${BURN}
const timer = setInterval(burn, 40, 20);
setTimeout(() => clearInterval(timer), 2000);
`,
  });
  const { recorded, opened } = await gather(t, async (url) => {
    const runs = ways.map((way) =>
      run(process.execPath, ['--require', AUTO, 'app.js'], {
        cwd: folder,
        env: {
          EVERFLAME_EXPORTERS: `${way},file`,
          EVERFLAME_EXIT_TIMEOUT: '30',
          EVERFLAME_SPOOL_DIR: join(folder, 'spool', way),
          DD_PROFILING_OUTPUT_PPROF: join(folder, way, 'p'),
          DD_PROFILING_UPLOAD_PERIOD: '0.5',
          DD_SERVICE: `shop-${way}`,
          DD_TRACE_AGENT_URL: url,
          PYROSCOPE_SERVER_ADDRESS: url,
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
        },
      }),
    );
    for (const { code, stderr } of await Promise.all(runs)) t.deepEqual([code, stderr], [0, '']);
  });
  for (const way of ways) {
    const files = profilesIn(join(folder, way)).map(readProfile);
    const sums = sumsOf(files);
    t.true(files.length >= UPLOADS, `${way}: ${files.length} profiles`);
    // An upload of OTLP has no service of its own, and is no pprof: the files are what was sent.
    const sent = way === 'otlp' ? files : profilesOf(recorded, `shop-${way}`);
    for (const type of TIMES) {
      t.is(sumsOf(sent).get(type), sums.get(type), `${way}: ${type}`);
    }
    await assertTotals(t, opened, `shop-${way}`, sent, /^burn$/, TIMES);
  }
});
