/** Where nobody has said who gets profiles, and something listens on the port of Agents. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runtimeIdIn } from '#src/output/process-name.js';
import { isAgent, OpenRoute } from '#src/upload/open-route.js';
import type { Place } from '#src/upload/place.js';
import { makeSend } from '#src/upload/send.js';
import { BURN } from '../support/burn.js';
import { pidsOf, profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { type DatadogReceiver, startDatadogReceiver } from '../support/receivers/datadog.js';
import type { Fault } from '../support/receivers/faulty-server.js';
import { AUTO, CLI, type Ended, ROOT, run } from '../support/spawn.js';
import { spooled } from './support/agent.js';
import { agentExporter } from './support/exporters.js';
import { HandClock } from './support/hand-clock.js';
import { type DeliveringProcess, fates, givenProcess, givenSeed } from './support/process.js';

const MINUTE = 60_000;

test.serial('an Agent lists the paths that it takes', (t) => {
  const agent = '{"version":"7.70.0","endpoints":["/v0.4/traces","/profiling/v1/input"]}';
  t.true(isAgent({ status: 200, body: agent }));
  for (const body of [
    '',
    '<html></html>',
    'null',
    '"/"',
    '[]',
    '{}',
    '{"endpoints":[]}',
    '{"endpoints":[1]}',
  ]) {
    t.false(isAgent({ status: 200, body }), body);
  }
  t.false(isAgent({ status: 404, body: agent }));
});

interface Open {
  process: DeliveringProcess;
  receiver: DatadogReceiver;
  clock: HandClock;
  route: OpenRoute;
  places: Place[];
  folder: string;
}

/** A process of which nobody has said who gets its profiles. */
async function openProcess(t: ExecutionContext, fault?: Fault): Promise<Open> {
  const receiver = await startDatadogReceiver();
  t.teardown(receiver.close);
  receiver.faults.always(fault);
  const folder = temporaryFolder(t);
  const clock = new HandClock();
  const places: Place[] = [];
  const route = new OpenRoute({
    send: makeSend('everflame/test', MINUTE),
    address: () => ({ url: `${receiver.url}/profiling/v1/input` }),
    clock,
    workingDirectory: folder,
    seedOf: (runtimeId) => givenSeed({ runtimeId }),
    settled: (place) => places.push(place),
    warn: (line) => t.fail(line),
  });
  const process = givenProcess(t, {
    exporters: [agentExporter(receiver)],
    root: temporaryFolder(t),
    clock,
    open: route,
  });
  return { process, receiver, clock, route, places, folder };
}

const FOREIGN: [what: string, fault: Fault, said: RegExp][] = [
  ['has no such page', { kind: 'status', status: 404, body: 'no' }, /answers GET \/info with 404/],
  ['answers everything', { kind: 'status', status: 200, body: '<html></html>' }, /GET \/info with 200/],
  ['redirects', { kind: 'status', status: 302, headers: { location: '/' } }, /GET \/info with 302/],
  ['speaks no HTTP', { kind: 'garbage' }, /GET \/info: /],
  ['ends the connection', { kind: 'reset' }, /GET \/info: /],
  ['never answers', { kind: 'hang' }, /GET \/info: no answer within 500 ms/],
  ['never ends its answer', { kind: 'slow', milliseconds: MINUTE }, /GET \/info/],
];

for (const [what, fault, said] of FOREIGN) {
  test.serial(`what ${what} is no Agent: it gets nothing, and profiles are kept in the inbox`, async (t) => {
    const { process, receiver, places, folder } = await openProcess(t, fault);
    process.take(0, 1, 2);
    await process.dispatcher.rest();
    t.deepEqual(
      receiver.attempts.map(({ path }) => path),
      ['/info'],
    );
    t.deepEqual(fates(process.counters), { uploads_taken: 3, uploads_kept: 3 });
    t.is(profilesIn(join(folder, '.everflame')).length, 3);
    // Whose they are is said beside them.
    t.is(readdirSync(join(folder, '.everflame')).filter(runtimeIdIn).length, 1);
    t.is(process.spool?.own().length, 0);
    const [place] = places;
    t.is(places.length, 1);
    t.is(place?.kind === 'inbox' && place.prefix, join(folder, '.everflame', 'profile'));
    t.regex(place?.kind === 'inbox' ? place.reason : '', said);
  });
}

test.serial('an Agent is asked once, and gets all', async (t) => {
  const { process, receiver, places, folder } = await openProcess(t);
  process.take(0, 1);
  await process.dispatcher.rest();
  const paths = receiver.attempts.map(({ path }) => path);
  t.deepEqual(paths, ['/info', '/profiling/v1/input', '/profiling/v1/input']);
  t.deepEqual(fates(process.counters), { uploads_taken: 2, uploads_delivered: 2 });
  t.deepEqual(places, [{ kind: 'agent' }]);
  t.deepEqual(profilesIn(join(folder, '.everflame')), []);
});

test.serial(
  'an Agent that comes to the place of something else gets what is made from then on',
  async (t) => {
    const { process, receiver, clock, places, folder } = await openProcess(t, {
      kind: 'status',
      status: 404,
    });
    process.take(0);
    await process.dispatcher.rest();
    receiver.faults.always(undefined);
    process.take(1);
    await process.dispatcher.rest();
    t.is(fates(process.counters).uploads_kept, 2);
    clock.forward(MINUTE);
    process.take(2);
    await process.dispatcher.rest();
    t.deepEqual(fates(process.counters), { uploads_taken: 3, uploads_kept: 2, uploads_delivered: 1 });
    t.deepEqual(
      places.map(({ kind }) => kind),
      ['inbox', 'agent'],
    );
    t.is(profilesIn(join(folder, '.everflame')).length, 2);
  },
);

test.serial('a profile that the inbox does not take waits in the spool, and one line says so', async (t) => {
  const { process, folder, route, clock } = await openProcess(t, { kind: 'status', status: 404 });
  t.false(await route.isForAgent());
  // The folder is there and writable when the inbox is settled; then a file takes its place.
  const inbox = join(folder, '.everflame');
  execFileSync('rm', ['-r', inbox]);
  writeFileSync(inbox, '');
  process.take(0);
  await process.dispatcher.rest();
  clock.forward(1000);
  t.is(process.spool?.own().length, 1);
  t.deepEqual(fates(process.counters), { uploads_taken: 1 });
  const lines = process.lines.filter((line) => line.includes('cannot be kept'));
  t.is(lines.length, 1, process.lines.join('\n'));
  execFileSync('rm', [inbox]);
  mkdirSync(inbox);
  await process.untilSent();
  t.deepEqual(fates(process.counters), { uploads_taken: 1, uploads_kept: 1 });
  t.is(profilesIn(inbox).length, 1);
});

/** Listens on the port of Agents, as its first argument says, runs the rest, and prints what it was asked. */
const LISTENER = `
  const { spawn } = require('node:child_process');
  const { createServer } = require('node:http');
  const [kind, ...command] = process.argv.slice(2);
  const asked = [];
  const info = JSON.stringify({ endpoints: ['/profiling/v1/input'] });
  const server = createServer((request, response) => {
    asked.push(request.method + ' ' + request.url);
    request.resume();
    if (kind === 'hanging') return;
    response.statusCode = kind === 'agent' ? 200 : 404;
    request.on('end', () => response.end(kind === 'agent' && request.url === '/info' ? info : ''));
  });
  const begin = () => {
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.resume();
    child.on('exit', (code) => {
      console.log(JSON.stringify({ code, asked }));
      process.exit();
    });
  };
  if (kind === 'none') begin();
  else server.listen(8126, '127.0.0.1', begin);`;

interface Told {
  code: number | null;
  asked: string[];
}

/** A network of its own, in which the port of Agents is free whatever runs on this machine. */
const NETWORK = ['--net', '--map-root-user', '/bin/sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

function noNetwork(): string | undefined {
  try {
    execFileSync('unshare', [...NETWORK, 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return (error as Error).message.trim().split('\n').at(-1);
  }
}

const obstacle = noNetwork();
const testOrSkip = obstacle === undefined ? test.serial : test.skip;
const titled = (title: string): string =>
  obstacle === undefined ? title : `${title} (not tested: ${obstacle})`;

async function runBeside(
  t: ExecutionContext,
  kind: string,
  path: string,
  command: string[],
  settings: Record<string, string> = {},
): Promise<{ end: Ended; told: Told; folder: string }> {
  const folder = temporaryFolder(t, { 'listener.cjs': LISTENER });
  // A busy machine takes its time to start the delivery thread.
  const env = { EVERFLAME_SPOOL_DIR: join(folder, 'spool'), EVERFLAME_EXIT_TIMEOUT: '10', ...settings };
  const words = [...NETWORK, path, join(folder, 'listener.cjs'), kind, ...command];
  const end = await run('unshare', words, { env, cwd: folder });
  return { end, told: JSON.parse(end.stdout) as Told, folder };
}

const PROGRAM = `${BURN} burn(300);`;
const CHANGE =
  'To change that, set DD_TRACE_AGENT_URL, PYROSCOPE_SERVER_ADDRESS, OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT or DD_PROFILING_OUTPUT_PPROF.';
const KEPT: Record<string, string> = {
  none: 'no Datadog Agent answers here',
  foreign: 'what listens on port 8126 is no Datadog Agent (it answers GET /info with 404)',
  hanging: 'what listens on port 8126 is no Datadog Agent (GET /info: no answer within 500 ms)',
};

for (const { major, path } of testNodes()) {
  for (const [kind, reason] of Object.entries(KEPT)) {
    testOrSkip(
      titled(`Node.js ${major}: with ${kind} on the port of Agents a profile is kept, and one line says so`),
      async (t) => {
        const { end, told, folder } = await runBeside(t, kind, path, [
          path,
          '--require',
          AUTO,
          '-e',
          PROGRAM,
        ]);
        t.deepEqual(told, { code: 0, asked: kind === 'none' ? [] : ['GET /info'] });
        t.is(profilesIn(join(folder, '.everflame')).length, 1);
        const inbox = join(folder, '.everflame');
        t.is(end.stderr, `everflame: profiles are kept in ${inbox}: ${reason}. ${CHANGE}\n`);
      },
    );
  }

  testOrSkip(
    titled(`Node.js ${major}: what is no Agent costs no profile where a signal ends a blocked program`),
    async (t) => {
      const script = `${BURN}
        (function look() {
          const { threads } = globalThis[Symbol.for('everflame.running')].status;
          if (!threads.some(({ name }) => name === 'everflame-upload')) return setTimeout(look, 10);
          burn(100);
          process.kill(process.pid, 'SIGTERM');
          for (;;) burn(100);
        })();`;
      const { told, folder } = await runBeside(t, 'foreign', path, [path, '--require', AUTO, '-e', script]);
      t.deepEqual(told, { code: null, asked: ['GET /info'] });
      t.is(profilesIn(join(folder, '.everflame')).length, 1);
    },
  );

  testOrSkip(
    titled(`Node.js ${major}: what a process has left is kept by the next one, but for what is an Agent's`),
    async (t) => {
      const left = `${BURN} burn(100); process.kill(process.pid, 'SIGTERM'); for (;;) burn(100);`;
      const lasting = `const timer = setInterval(() => {
          const { uploads } = globalThis[Symbol.for('everflame.running')].metrics();
          if (uploads.uploads_kept > 0) clearInterval(timer);
        }, 10);`;
      const first = `EVERFLAME_EXIT_TIMEOUT=0 "$0" --require "$1" -e "$2"`;
      const named = `EVERFLAME_EXPORTERS=datadog ${first}`;
      const script = `${named}; ${first}; exec "$0" --require "$1" -e "$3"`;
      const command = ['/bin/sh', '-c', script, path, AUTO, left, lasting];
      const { told, folder } = await runBeside(t, 'foreign', path, command);
      t.is(told.code, 0);
      t.deepEqual([...new Set(told.asked)], ['GET /info']);
      t.is(pidsOf(profilesIn(join(folder, '.everflame'))).length, 2);
      t.is(spooled(join(folder, 'spool')).length, 1);
    },
  );

  testOrSkip(titled(`Node.js ${major}: an Agent gets the profile, and one line says so`), async (t) => {
    const { end, told, folder } = await runBeside(t, 'agent', path, [path, '--require', AUTO, '-e', PROGRAM]);
    t.deepEqual(told, { code: 0, asked: ['GET /info', 'POST /profiling/v1/input'] });
    t.deepEqual(profilesIn(join(folder, '.everflame')), []);
    t.is(
      end.stderr,
      'everflame: profiles go to the Datadog Agent of this machine. To keep them here, set EVERFLAME_EXPORTERS=local.\n',
    );
  });
}

for (const kind of ['none', 'agent']) {
  testOrSkip(
    titled(
      `with ${kind} on the port of Agents settings that cannot be used name nobody, and are told of once`,
    ),
    async (t) => {
      const script = `const { Profiler } = require(${JSON.stringify(ROOT)}); ${PROGRAM}
        const profiler = new Profiler({ apiKey: 'abc\\ndef', agentless: false }).start();
        burn(100);
        profiler.stop();`;
      const command = [process.execPath, '-e', script];
      const settings = { DD_TRACE_AGENT_URL: 'user:hunter22@host' };
      const { end, told, folder } = await runBeside(t, kind, process.execPath, command, settings);
      t.is(told.code, 0);
      const lines = end.stderr.trimEnd().split('\n').sort();
      t.is(lines.length, 3, end.stderr);
      t.regex(lines[0] ?? '', /^everflame: profiles (are kept in|go to the Datadog Agent of this machine)/);
      t.regex(lines[1] ?? '', /^everflame: warn: DD_TRACE_AGENT_URL is "host", but it must be a URL/);
      t.regex(lines[2] ?? '', /^everflame: warn: The option "apiKey" is a value that is not shown here/);
      if (kind === 'none') t.is(profilesIn(join(folder, '.everflame')).length, 1);
      else t.is(told.asked[0], 'GET /info', 'nobody is named, so it is asked what it is');
    },
  );
}

testOrSkip(titled('everflame run says where the profiles are that no Agent got'), async (t) => {
  const command = [process.execPath, CLI, 'run', process.execPath, '-e', PROGRAM];
  const { end, folder } = await runBeside(t, 'foreign', process.execPath, command);
  const [first, second, ...rest] = end.stderr.trimEnd().split('\n');
  t.is(first, `everflame: profiles are kept in ${join(folder, '.everflame')}: ${KEPT.foreign}. ${CHANGE}`);
  t.regex(second ?? '', /^everflame: 1 profile of 1 process in \.everflame; look at it with: everflame top /);
  t.deepEqual(rest, []);
});

for (const kind of ['none', 'foreign', 'agent']) {
  testOrSkip(
    titled(`with ${kind} on the port of Agents nothing is said where warnings are not`),
    async (t) => {
      const command = [process.execPath, '--require', AUTO, '-e', PROGRAM];
      const { end } = await runBeside(t, kind, process.execPath, command, { EVERFLAME_LOG_LEVEL: 'error' });
      t.is(end.stderr, '');
    },
  );

  testOrSkip(titled(`with ${kind} on the port of Agents a profiler in code says one line`), async (t) => {
    const script = `const { Profiler } = require(${JSON.stringify(ROOT)}); ${BURN}
      (async () => {
        for (let round = 0; round < 3; round++) {
          const profiler = new Profiler().start();
          burn(100);
          await profiler.stop();
        }
      })();`;
    const command = [process.execPath, '-e', script];
    const { end, folder } = await runBeside(t, kind, process.execPath, command);
    t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
    t.is(profilesIn(join(folder, '.everflame')).length, kind === 'agent' ? 0 : 3);
  });

  testOrSkip(titled(`with ${kind} on the port of Agents a tree of processes says one line`), async (t) => {
    const files = {
      'root.cjs': `${PROGRAM} require('node:child_process').fork(__dirname + '/child.cjs');`,
      'child.cjs': `${PROGRAM} require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(PROGRAM)}]);`,
    };
    const program = join(temporaryFolder(t, files), 'root.cjs');
    const command = [process.execPath, '--require', AUTO, program];
    const { end, told } = await runBeside(t, kind, process.execPath, command);
    t.is(told.code, 0);
    t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
  });
}

testOrSkip(titled('everflame doctor sees that it is no Agent'), async (t) => {
  const folder = temporaryFolder(t);
  const report = join(folder, 'report.json');
  const script = `require('node:fs').writeFileSync(${JSON.stringify(report)}, require('node:child_process').spawnSync(process.execPath, [${JSON.stringify(CLI)}, 'doctor', '--json']).stdout)`;
  await runBeside(t, 'foreign', process.execPath, [process.execPath, '-e', script]);
  const { exporters, findings } = JSON.parse(readFileSync(report, 'utf8')) as {
    exporters: string[];
    findings: { id: string; text: string }[];
  };
  t.deepEqual(exporters, ['local']);
  const said = findings.find(({ id }) => id === 'exporters')?.text ?? '';
  t.true(said.includes(`${KEPT.foreign}: they are kept in the inbox`), said);
});
