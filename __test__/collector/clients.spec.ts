/** Clients of others send as they always do. They are the peers that the benchmarks measure: bench/package.json has their versions. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { decodeProfile } from '#src/profile/read.js';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { ROOT, type Running, start } from '../support/spawn.js';
import { type Opened, openCollector, until } from './support/collector.js';

const peers = createRequire(join(ROOT, 'bench', 'package.json'));
/** dd-trace 6 wants Node.js 22. */
const LEAST_MAJOR = 22;
const NODE = testNodes().find(({ major }) => Number(major) >= LEAST_MAJOR)?.path;

/** A server that is asked now and then, and uses CPU time in a function that its profiles are to show, until its input ends. */
const PROGRAM = `${BURN}
function handleOrder() { burn(20); }
const http = require('node:http');
const server = http.createServer((request, response) => { handleOrder(); response.end('done'); });
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const ask = () => http.get({ port, path: '/orders', agent: false }, (response) => response.resume().on('end', () => { next = setTimeout(ask, 5); }));
  let next = setTimeout(ask, 5);
  process.on('SIGUSR2', () => process.exit(0));
});
`;

const FROM_DDTRACE = {
  DD_PROFILING_ENABLED: 'true',
  DD_PROFILING_UPLOAD_PERIOD: '1',
  // Which the oldest Node.js can read, too.
  DD_PROFILING_DEBUG_UPLOAD_COMPRESSION: 'gzip',
  DD_SERVICE: 'shop',
  DD_ENV: 'test',
  DD_VERSION: '1.4.2',
  DD_RUNTIME_METRICS_ENABLED: 'true',
  DD_TRACE_DEBUG: 'true',
  DD_TRACE_LOG_LEVEL: 'warn',
};

function startProgram(
  t: ExecutionContext,
  node: string,
  preload: string,
  env: Record<string, string>,
): Running {
  const folder = temporaryFolder(t, { 'app.js': PROGRAM });
  const program = start(node, ['-r', preload, 'app.js'], { cwd: folder, env, timeout: 110_000 });
  t.teardown(() => program.child.kill('SIGKILL'));
  return program;
}

/** Functions of all profiles of that name that have come. */
function functionsIn({ store }: Opened, name: string): Set<string> {
  const found = new Set<string>();
  for (const { profiles } of store.uploads) {
    for (const profile of profiles) {
      if (profile.name !== name) continue;
      for (const { frames } of decodeProfile(profile.name, profile.data).samples) {
        for (const frame of frames) found.add(frame.name);
      }
    }
  }
  return found;
}

for (const way of ['TCP', 'a Unix socket']) {
  test.serial(`dd-trace sends by ${way}, and has nothing to complain of`, async (t) => {
    if (NODE === undefined) {
      // What it says there is its own affair; it sends nothing.
      t.true(testNodes().every(({ major }) => Number(major) < LEAST_MAJOR));
      return;
    }
    const socketPath = join(temporaryFolder(t), 'agent.sock');
    const opened = await openCollector(t, { socketPath });
    const { store, json, lines } = opened;
    const url = way === 'TCP' ? opened.url : `unix://${socketPath}`;
    const program = startProgram(t, NODE, peers.resolve('dd-trace/init'), {
      ...FROM_DDTRACE,
      DD_TRACE_AGENT_URL: url,
    });
    await until(() => store.uploads.length >= 3, 'three uploads');
    await until(() => functionsIn(opened, 'wall.pprof').has('handleOrder'), 'the function');
    program.child.kill('SIGUSR2');
    const { code, stdout, stderr } = await program.ended;
    t.is(code, 0);
    const said = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => !/^DATADOG TRACER|^$|bootstrapping complete/.test(line));
    t.deepEqual(said, []);
    const runtimeIds = new Set<string | undefined>();
    for (const { service, client, tags, start: from, end } of store.uploads) {
      t.is(service, 'shop');
      t.is(client, 'dd-trace-js/6.21.0');
      const all = new Map(tags);
      t.is(all.get('env'), 'test');
      t.is(all.get('version'), '1.4.2');
      t.is(all.get('process_id'), String(program.child.pid));
      runtimeIds.add(all.get('runtime-id'));
      t.true(end > from);
    }
    t.is(runtimeIds.size, 1);
    // Each period begins where the one before it ends.
    t.true(
      store.uploads.every(({ start: from }, index) => index === 0 || from === store.uploads[index - 1]?.end),
    );
    const { profiles } = store.uploads[0] as (typeof store.uploads)[0];
    t.deepEqual(profiles.map(({ name }) => name).sort(), ['events.pprof', 'space.pprof', 'wall.pprof']);
    // Each came whole: its own checksum, or its end, holds.
    for (const { name, data } of profiles) t.notThrows(() => decodeProfile(name, data));
    t.deepEqual((await json('/api/v1/status')).refused, {});
    t.deepEqual(lines, []);
  });
}

test.serial('@pyroscope/nodejs sends, and has nothing to complain of', async (t) => {
  const opened = await openCollector(t);
  const { store, json, url } = opened;
  const folder = temporaryFolder(t, {
    'profile.js': `const Pyroscope = require(${JSON.stringify(peers.resolve('@pyroscope/nodejs'))});
      Pyroscope.init({ appName: 'shop', serverAddress: process.env.SERVER, tags: { region: 'eu-1' }, flushIntervalMs: 1000, wall: { collectCpuTime: true, samplingDurationMs: 1000 } });
      Pyroscope.start();`,
  });
  const program = startProgram(t, process.execPath, join(folder, 'profile.js'), {
    SERVER: url,
    DEBUG: 'pyroscope*',
  });
  await until(
    () => [...functionsIn(opened, 'profile.pprof')].some((name) => name.includes('handleOrder')),
    'the function',
  );
  program.child.kill('SIGUSR2');
  const { stderr } = await program.ended;
  t.notRegex(stderr, /rejected|error/i);
  for (const { service, tags, start: from, end } of store.uploads) {
    t.is(service, 'shop');
    const all = new Map(tags);
    t.is(all.get('region'), 'eu-1');
    t.is(all.get('pyroscope_spy'), 'nodespy');
    t.is(all.get('process.runtime.name'), 'nodejs');
    t.true(end >= from);
  }
  const bytes = store.uploads.map(({ profiles }) =>
    createHash('sha256')
      .update(profiles[0]?.data ?? '')
      .digest('hex'),
  );
  t.is(new Set(bytes).size, bytes.length);
  t.deepEqual((await json('/api/v1/status')).refused, {});
});
