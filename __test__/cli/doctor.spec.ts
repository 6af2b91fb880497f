import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { DoctorReport } from '#src/cli/doctor.js';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { type DatadogReceiver, startDatadogReceiver } from '../support/receivers/datadog.js';
import { startFaultyServer } from '../support/receivers/faulty-server.js';
import {
  AUTO,
  CLI,
  type Ended,
  everflame as everflameOf,
  ROOT,
  run,
  type SpawnOptions,
} from '../support/spawn.js';

/** A port on which nobody listens. */
const CLOSED = 'http://127.0.0.1:9';

/** Of the tests, or of the network that they run in. */
const OTHERS = Object.keys(process.env).filter((name) => /^EVERFLAME_TEST_NODES$|_PROXY$/i.test(name));

/** As users run it: a variable of the tests is none of theirs. */
function everflame(args: string[], options: SpawnOptions, node?: string): Promise<Ended> {
  const none = Object.fromEntries(OTHERS.map((name) => [name, undefined]));
  return everflameOf(args, { ...options, env: { ...none, ...options.env } }, node);
}

async function agentOf(t: ExecutionContext, socketPath?: string): Promise<DatadogReceiver> {
  const agent = await startDatadogReceiver(socketPath === undefined ? {} : { socketPath });
  t.teardown(() => agent.close());
  return agent;
}

interface Asked {
  env?: Record<string, string | undefined>;
  node?: string;
  cwd?: string;
  command?: string[];
}

/** What `everflame doctor --json` finds; nothing that it writes may be a stack of calls. */
async function askDoctor(t: ExecutionContext, { env = {}, node, cwd, command = [] }: Asked) {
  const folder = cwd ?? temporaryFolder(t);
  const spool = temporaryFolder(t);
  const end = await everflame(
    ['doctor', '--json', ...(command.length === 0 ? [] : ['--', ...command])],
    { cwd: folder, env: { EVERFLAME_SPOOL_DIR: spool, ...env } },
    node,
  );
  assertCalm(t, end);
  const report = JSON.parse(end.stdout) as DoctorReport;
  t.is(end.code, report.ok ? 0 : 1);
  t.deepEqual(report.ok, report.failures.length === 0);
  const found = (id: string) => report.findings.find((finding) => finding.id === id);
  return { report, found, end };
}

function assertCalm(t: ExecutionContext, { stdout, stderr, signal }: Ended): void {
  t.is(signal, null);
  t.notRegex(stdout + stderr, /^\s+at .*[:(]\d+:\d+\)?$/m, 'a stack of calls');
}

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: an Agent that answers gets profiles, and is sent none`, async (t) => {
    const agent = await agentOf(t);
    const { report, found } = await askDoctor(t, { env: { DD_TRACE_AGENT_URL: agent.url }, node: path });
    t.true(report.ok, JSON.stringify(report.findings, null, 2));
    t.deepEqual(report.exporters, ['datadog']);
    t.like(report.receivers[0], { exporter: 'datadog', reachable: true, agentVersion: '7.70.0' });
    t.is(found('datadog')?.state, 'ok');
    t.deepEqual(
      agent.attempts.map((attempt) => attempt.path),
      ['/info'],
    );
    t.is(report.versions.node.split('.')[0], `v${major}`);
    t.is(report.engine.node, report.versions.node);
    t.true(report.engine.native.loaded);
    t.truthy(report.engine.name);
    t.true(report.engine.features.length > 0);
    t.true(report.kernel.some(({ name }) => name === 'RLIMIT_NOFILE'));
  });

  test.serial(`Node.js ${major}: the text says the same, with what to do`, async (t) => {
    const end = await everflame(
      ['doctor'],
      {
        cwd: temporaryFolder(t),
        env: { DD_TRACE_AGENT_URL: CLOSED, EVERFLAME_SPOOL_DIR: temporaryFolder(t) },
      },
      path,
    );
    assertCalm(t, end);
    t.is(end.code, 1);
    t.is(end.stderr, '');
    t.regex(end.stdout, /^everflame \d+\.\d+\.\d+, Node\.js v/);
    t.regex(
      end.stdout,
      /FAIL {2}The Datadog Agent at http:\/\/127\.0\.0\.1:9 cannot be reached: nothing listens/,
    );
    t.regex(end.stdout, /→ Start the Agent with APM on/);
    t.regex(end.stdout, /\n\nProfiles cannot arrive: see datadog above\.\n$/);
  });

  test.serial(
    `Node.js ${major}: without the binary the fallback is named, and the rest is looked at`,
    async (t) => {
      const { report, found } = await askDoctor(t, {
        env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/everflame.node' },
        node: path,
      });
      t.false(report.engine.native.loaded);
      t.is(report.engine.name, 'inspector');
      t.is(found('native')?.state, 'warning');
      t.regex(found('native')?.text ?? '', /NAPI_RS_NATIVE_LIBRARY_PATH/);
      t.true(report.settings.length > 40);
    },
  );
}

test.serial('an Agent on a socket is asked by it', async (t) => {
  const socket = join(temporaryFolder(t), 'apm.socket');
  await agentOf(t, socket);
  const { report } = await askDoctor(t, { env: { DD_TRACE_AGENT_URL: `unix://${socket}` } });
  t.true(report.ok);
  t.is(report.receivers[0]?.address, `unix:${socket}`);
});

test.serial('a socket that is not there is named with its mount', async (t) => {
  const { report, found } = await askDoctor(t, { env: { DD_TRACE_AGENT_URL: 'unix:///nowhere/apm.socket' } });
  t.deepEqual(report.failures, ['datadog']);
  t.regex(found('datadog')?.text ?? '', /the socket does not exist \(ENOENT\)/);
  t.regex(found('datadog')?.remedy ?? '', /Mount the folder/);
});

test.serial('an Agent is asked without the proxy of the environment, and Pyroscope through it', async (t) => {
  const agent = await agentOf(t);
  const proxy = await startFaultyServer(() => ({ status: 200 }));
  t.teardown(() => proxy.close());
  // This machine, by an address that is not of those that no proxy is asked for.
  const here = 'http://0.0.0.0';
  const env = {
    HTTP_PROXY: proxy.url,
    DD_TRACE_AGENT_URL: agent.url.replace('http://127.0.0.1', here),
    PYROSCOPE_SERVER_ADDRESS: `${here}:9`,
  };
  const { report } = await askDoctor(t, { env });
  t.true(report.ok, JSON.stringify(report.findings, null, 2));
  t.deepEqual(
    report.receivers.map(({ exporter, proxy: named }) => [exporter, named]),
    [
      ['datadog', undefined],
      ['pyroscope', 'HTTP_PROXY'],
    ],
  );
  t.deepEqual(
    proxy.attempts.map(({ path }) => path),
    [`${here}:9/ready`],
  );
  const otlp = await askDoctor(t, {
    env: { HTTP_PROXY: proxy.url, OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT: `${here}:9/x` },
  });
  t.is(otlp.report.receivers[0]?.detail, 'HEAD: 200');
  t.is(proxy.attempts.length, 2);
  const closed = await askDoctor(t, { env: { ...env, DD_TRACE_AGENT_URL: `${here}:9` } });
  t.notRegex(closed.found('datadog')?.text ?? '', /proxy/);
});

test.serial('an Agent that does not answer is left after three seconds', async (t) => {
  const agent = await agentOf(t);
  agent.faults.always({ kind: 'hang' });
  const { report, found } = await askDoctor(t, { env: { DD_TRACE_AGENT_URL: agent.url } });
  t.deepEqual(report.failures, ['datadog']);
  t.regex(found('datadog')?.text ?? '', /no answer within 3 s/);
});

test.serial('an Agent without /info is a warning: it may take profiles all the same', async (t) => {
  const agent = await agentOf(t);
  agent.faults.always({ kind: 'status', status: 404, body: '404 page not found' });
  const { report, found } = await askDoctor(t, { env: { DD_TRACE_AGENT_URL: agent.url } });
  t.true(report.ok);
  t.is(found('datadog')?.state, 'warning');
  t.regex(found('datadog')?.text ?? '', /answers GET \/info with 404/);
});

test.serial('an Agent that does not list the endpoint of profiles is a failure', async (t) => {
  const agent = await agentOf(t);
  const body = JSON.stringify({ version: '7.1.0', endpoints: ['/v0.4/traces'] });
  agent.faults.always({ kind: 'status', status: 200, body });
  const { report, found } = await askDoctor(t, { env: { DD_TRACE_AGENT_URL: agent.url } });
  t.deepEqual(report.failures, ['datadog']);
  t.regex(found('datadog')?.text ?? '', /\(Agent 7\.1\.0\) answers, but does not take profiles/);
});

test.serial('garbage in place of HTTP is a failure with words', async (t) => {
  const agent = await agentOf(t);
  agent.faults.always({ kind: 'garbage' });
  const { report } = await askDoctor(t, { env: { DD_TRACE_AGENT_URL: agent.url } });
  t.deepEqual(report.failures, ['datadog']);
});

test.serial('Pyroscope is asked whether it is ready, without its token', async (t) => {
  const headers: (string | undefined)[] = [];
  const status = { now: 200 };
  const server = await startFaultyServer((request) => {
    t.is(`${request.method} ${request.path}`, 'GET /ready');
    headers.push(request.headers.authorization);
    return { status: status.now };
  });
  t.teardown(() => server.close());
  const env = { PYROSCOPE_SERVER_ADDRESS: server.url, PYROSCOPE_AUTH_TOKEN: 'token-of-mine' };
  const ready = await askDoctor(t, { env });
  t.is(ready.found('pyroscope')?.state, 'ok');
  status.now = 503;
  const starting = await askDoctor(t, { env });
  t.is(starting.found('pyroscope')?.state, 'warning');
  status.now = 401;
  const closed = await askDoctor(t, { env });
  t.is(closed.found('pyroscope')?.state, 'ok');
  t.deepEqual(headers, [undefined, undefined, undefined]);
});

test.serial('an OTLP receiver is connected to, and gets not a byte', async (t) => {
  let bytes = 0;
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as import('node:net').AddressInfo;
  const url = `http://127.0.0.1:${port}/v1development/profiles`;
  const { report } = await askDoctor(t, { env: { OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT: url } });
  t.true(report.ok);
  t.is(report.receivers[0]?.address, url);
  t.is(bytes, 0);
});

test.serial('without an Agent the intake is looked for by its name', async (t) => {
  const { report, found } = await askDoctor(t, {
    env: { DD_PROFILING_AGENTLESS: 'true', DD_API_KEY: 'a-key-of-mine', DD_SITE: 'nowhere.invalid' },
  });
  t.deepEqual(report.failures, ['datadog']);
  t.regex(found('datadog')?.text ?? '', /Datadog at nowhere\.invalid cannot be reached/);
  t.regex(found('datadog')?.remedy ?? '', /DD_SITE/);
});

test.serial('each setting has its value and the variable that it is from', async (t) => {
  const { report, found } = await askDoctor(t, {
    env: {
      DD_TRACE_AGENT_URL: CLOSED,
      DD_PROFILING_UPLOAD_PERIOD: '12',
      DD_AGENT_HOST: '',
      OTEL_SERVICE_NAME: 'shop',
      DD_PROFILING_MAX_FRAMES: '5000',
      EVERFLAME_RATE: 'often',
    },
  });
  const setting = (name: string) => report.settings.find((candidate) => candidate.name === name);
  t.like(setting('period'), { value: '12', origin: 'DD_PROFILING_UPLOAD_PERIOD' });
  t.like(setting('service'), { value: 'shop', origin: 'OTEL_SERVICE_NAME' });
  t.like(setting('maxFrames'), { value: '599', origin: 'DD_PROFILING_MAX_FRAMES' });
  t.like(setting('rate'), { value: '99', origin: 'default' });
  t.like(setting('agentHost'), { origin: 'default' });
  t.false('value' in (setting('agentHost') as object));
  t.is(found('settings')?.state, 'warning');
  const texts = report.findings.filter(({ id }) => id === 'settings').map(({ text }) => text);
  t.true(texts.some((text) => text.startsWith('EVERFLAME_RATE is "often", but it must be')));
  t.is(report.identity?.service, 'shop');
  t.is(report.identity?.serviceOrigin, 'OTEL_SERVICE_NAME');
});

test.serial('what cannot be used, or is switched off, names no receiver, and is told of once', async (t) => {
  const bad = await askDoctor(t, { env: { DD_AGENT_PORT: 'abc' } });
  t.regex(bad.found('exporters')?.text ?? '', /^Nothing says where profiles go/);
  const said = bad.report.findings.filter(({ text }) => text.startsWith('DD_AGENT_PORT is "abc"'));
  t.is(said.length, 1);
  const env = { DD_TRACE_AGENT_URL: CLOSED, DD_PROFILING_AGENTLESS: 'false' };
  const { found } = await askDoctor(t, { env });
  t.is(found('exporters')?.text, 'Profiles go to datadog, by DD_TRACE_AGENT_URL.');
});

test.serial('a variable that nobody reads is named with the nearest that is', async (t) => {
  const { report, found } = await askDoctor(t, {
    env: {
      EVERFLAME_RAET: '100',
      DD_PROFILING_UPLOAD_INTERVALL: '1',
      DD_PROFILING_HEAP_ENABLED: 'true',
      DD_PROFILING_STACK_UVLOOP: 'true',
      EVERFLAME_RUN_REPORT: '',
      // Of the commands of the collector.
      EVERFLAME_TOKEN: 'abcdefghijklmnopqrstuvwxyz012345',
    },
  });
  const variable = (name: string) => report.variables.find((candidate) => candidate.variable === name);
  t.like(variable('EVERFLAME_RAET'), { effect: 'unknown', nearest: 'EVERFLAME_RATE' });
  t.like(variable('DD_PROFILING_UPLOAD_INTERVALL'), { nearest: 'DD_PROFILING_UPLOAD_INTERVAL' });
  t.like(variable('DD_PROFILING_HEAP_ENABLED'), { effect: 'later' });
  t.like(variable('DD_PROFILING_STACK_UVLOOP'), { effect: 'none' });
  t.is(found('variable.EVERFLAME_RAET')?.state, 'warning');
  t.is(found('variable.DD_PROFILING_HEAP_ENABLED')?.state, 'note');
  t.is(report.variables.length, 4);
});

test.serial('what a variable of the reference settles is told by its name, with what to do', async (t) => {
  const { report, found } = await askDoctor(t, {
    env: {
      DD_PROFILING_PROFILERS: 'space',
      DD_PROFILING_EXPORTERS: 'file',
      DD_PROFILING_PPROF_PREFIX: 'kept/',
    },
  });
  const setting = (name: string) => report.settings.find((candidate) => candidate.name === name);
  t.like(setting('wall'), { value: 'false', origin: 'DD_PROFILING_PROFILERS' });
  t.like(setting('cpu'), { value: 'false', origin: 'DD_PROFILING_PROFILERS' });
  t.like(setting('output'), { value: 'kept/', origin: 'DD_PROFILING_PPROF_PREFIX' });
  t.like(found('types'), {
    text: 'Wall time and CPU time are both switched off, by DD_PROFILING_PROFILERS, so nothing is profiled.',
    remedy: 'Add wall to DD_PROFILING_PROFILERS, or unset it.',
  });
  const { report: usual } = await askDoctor(t, {});
  t.deepEqual(report.engine, usual.engine);
  const { report: other, found: foundOther } = await askDoctor(t, {
    env: {
      DD_PROFILING_STACK_ENABLED: 'false',
      DD_PROFILING_CPU_ENABLED: '0',
      DD_PROFILING_PROFILERS: 'wall',
    },
  });
  t.is(other.settings.find(({ name }) => name === 'output')?.origin, 'default');
  t.like(foundOther('types'), {
    text: 'Wall time and CPU time are both switched off, by DD_PROFILING_STACK_ENABLED and DD_PROFILING_CPU_ENABLED, so nothing is profiled.',
    remedy: 'Set DD_PROFILING_WALLTIME_ENABLED or DD_PROFILING_CPU_ENABLED to true.',
  });
});

test.serial('no secret is shown, neither as text nor as JSON', async (t) => {
  const secrets = {
    key: '0123456789abcdef0123456789abcdef',
    token: 'glc_eyJvIjoiMSJ9',
    password: 'open/Sesame%21',
    header: 'Bearer%20sesame-header',
    agent: 'agent-password',
    bad: 'bad-password',
    query: 'query-token',
    collector: 'collector-password',
  };
  const env = {
    DD_API_KEY: secrets.key,
    PYROSCOPE_AUTH_TOKEN: secrets.token,
    PYROSCOPE_BASIC_AUTH_USER: 'me',
    PYROSCOPE_BASIC_AUTH_PASSWORD: secrets.password,
    PYROSCOPE_SERVER_ADDRESS: `http://user:${secrets.password}@127.0.0.1:9/`,
    OTEL_EXPORTER_OTLP_PROFILES_HEADERS: `authorization=${secrets.header}`,
    OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT: `http://user:${secrets.collector}@127.0.0.1:9/x`,
    DD_TRACE_AGENT_URL: `http://user:${secrets.agent}@127.0.0.1:9?api-key=${secrets.query}`,
    DD_TRACE_URL: `htp://user:${secrets.bad}@host`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `user:${secrets.bad}@host`,
    DD_AGENT_HOST: `user:${secrets.bad}@host`,
    DD_GIT_REPOSITORY_URL: `https://user:${secrets.bad}@example.com/shop.git`,
    EVERFLAME_EXPORTERS: 'datadog,pyroscope,otlp',
  };
  for (const flags of [[], ['--json']]) {
    const end = await everflame(['doctor', ...flags], { cwd: temporaryFolder(t), env });
    assertCalm(t, end);
    t.is(end.code, 1);
    const text = end.stdout + end.stderr;
    for (const [name, secret] of Object.entries(secrets)) {
      t.false(text.includes(secret), `${name} with ${flags}`);
      t.false(text.includes(decodeURIComponent(secret)), `${name}, decoded, with ${flags}`);
    }
    t.true(text.includes('set, not shown'));
  }
  // One that cannot be used is not shown either.
  for (const address of [
    `htp://user:${secrets.bad}@host`,
    `user:${secrets.bad}@host`,
    `htp://host?${secrets.bad}`,
  ]) {
    const bad = await everflame(['doctor'], {
      cwd: temporaryFolder(t),
      env: {
        DD_API_KEY: 'two words of it',
        DD_TRACE_AGENT_URL: address,
        DD_GIT_REPOSITORY_URL: `user:${secrets.bad}@example.com/shop.git`,
      },
    });
    t.false(bad.stdout.includes('two words of it'));
    t.false(bad.stdout.includes(secrets.bad), address);
  }
});

test.serial('the keys of the JSON are those that are documented', async (t) => {
  const { report } = await askDoctor(t, { env: { DD_TRACE_AGENT_URL: CLOSED } });
  t.deepEqual(Object.keys(report), [
    'ok',
    'failures',
    'findings',
    'versions',
    'program',
    'engine',
    'kernel',
    'settings',
    'variables',
    'exporters',
    'receivers',
    'folders',
    'identity',
  ]);
  for (const finding of report.findings) {
    t.regex(finding.id, /^\S+$/);
    t.true(['ok', 'note', 'warning', 'failure'].includes(finding.state));
    t.regex(finding.text, /\S/);
  }
});

test('the ids of findings are those that are documented', (t) => {
  const files = [
    'doctor.ts',
    ...readdirSync(join(ROOT, 'src/cli/doctor')).map((name) => join('doctor', name)),
  ];
  const source = files.map((name) => readFileSync(join(ROOT, 'src/cli', name), 'utf8')).join('\n');
  const written = [
    ...source.matchAll(/\bfinding\(\s*[^,]+,\s*['`]([\w.${}-]+)['`]/g),
    ...source.matchAll(/\battempt<[^(]+>\(\s*'([\w-]+)'/g),
  ].map(([, id = '']) => id.replace(/\$\{[^}]+\}/, '<name>'));
  // These are no texts where a finding is made: roles of folders, names of exporters, and parts of the system.
  const ids = new Set([
    ...written,
    'output',
    'inbox',
    'spool',
    'datadog',
    'pyroscope',
    'otlp',
    'kernel.<name>',
  ]);
  t.true(written.length > 30, `${written.length} findings`);
  const page = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
  const listed = /^Ids of findings: [\s\S]*?\n\n/m.exec(page)?.[0] ?? '';
  t.deepEqual([...listed.matchAll(/`([^`]+)`/g)].map(([, id]) => id).sort(), [...ids].sort());
});

test.serial('what profiles pass is a failure where it is shut', async (t) => {
  const file = join(temporaryFolder(t, { taken: '' }), 'taken');
  const cases: [env: Record<string, string>, failures: string[]][] = [
    [{ DD_PROFILING_ENABLED: 'false' }, ['enabled']],
    [{ DD_PROFILING_ENABLED: 'false', EVERFLAME_TOGGLE_SIGNAL: 'sigusr2' }, []],
    [{ DD_EXPERIMENTAL_PROFILING_ENABLED: 'false' }, ['enabled']],
    [{ DD_PROFILING_STACK_ENABLED: 'false' }, ['types']],
    [{ EVERFLAME_EXPORTERS: 'none' }, ['exporters']],
    [{ DD_PROFILING_OUTPUT_PPROF: `${file}/profiles/x` }, ['output']],
    [{ DD_PROFILING_OUTPUT_PPROF: '/proc/nowhere/x', EVERFLAME_EXPORTERS: 'file' }, ['output']],
    [{ EVERFLAME_EXPORTERS: 'otlp', OTEL_EXPORTER_OTLP_HEADERS: 'no header' }, ['otlp']],
    [{ EVERFLAME_ENGINE: 'tick', NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere.node' }, ['engine']],
  ];
  for (const [env, failures] of cases) {
    const { report } = await askDoctor(t, { env });
    t.deepEqual(report.failures, failures, JSON.stringify([env, report.findings], null, 2));
  }
});

test.serial('what waits in the spool is counted, and a folder that is not there is not made', async (t) => {
  const spool = temporaryFolder(t);
  const own = join(spool, 'a-runtime-id', 'adopted', 'another');
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'profile.7.0.wall.pprof'), 'x'.repeat(13));
  writeFileSync(join(spool, 'a-runtime-id', 'profile.7.1.wall.pprof'), 'x'.repeat(7));
  writeFileSync(join(spool, 'a-runtime-id', 'profile.7.1.json'), '{}');
  const agent = await agentOf(t);
  const folder = temporaryFolder(t);
  const env = { DD_TRACE_AGENT_URL: agent.url, EVERFLAME_SPOOL_DIR: spool };
  const { report } = await askDoctor(t, { env, cwd: folder });
  t.like(
    report.folders.find(({ role }) => role === 'spool'),
    { used: true, writable: true, profiles: 2, bytes: 20 },
  );
  const files = await askDoctor(t, { env: { EVERFLAME_EXPORTERS: 'local' }, cwd: folder });
  t.like(files.report.folders[0], { role: 'inbox', path: join(folder, '.everflame'), writable: true });
  const { report: again } = await askDoctor(t, { env: { EVERFLAME_EXPORTERS: 'local' }, cwd: folder });
  t.is(again.folders[0]?.profiles, 0);
});

test.serial('folders are those of the profiler, with a slash behind their names too', async (t) => {
  const spool = temporaryFolder(t);
  const folder = temporaryFolder(t);
  const env = {
    DD_TRACE_AGENT_URL: CLOSED,
    EVERFLAME_SPOOL_DIR: `${spool}/`,
    EVERFLAME_EXPORTERS: 'datadog,file',
    DD_PROFILING_OUTPUT_PPROF: 'out/',
  };
  const script = 'for (const end = Date.now() + 100; Date.now() < end; );';
  const ended = await run(process.execPath, ['-r', AUTO, '-e', script], { cwd: folder, env });
  t.is(ended.code, 0);
  const [runtimeId, ...others] = readdirSync(spool);
  t.deepEqual(others, []);
  t.true(existsSync(join(spool, runtimeId ?? '', 'process.json')), runtimeId);
  const { report } = await askDoctor(t, { env, cwd: folder });
  t.deepEqual(
    report.folders.map(({ role, path, profiles }) => [role, path, profiles]),
    [
      ['output', join(folder, 'out'), 1],
      ['spool', spool, 1],
    ],
  );
});

test.serial('a program is looked at and not run', async (t) => {
  const folder = temporaryFolder(t, {
    'app.js': `require('node:fs').writeFileSync('ran', '')`,
    'package.json': '{"name":"bookshop"}',
  });
  const { report, found } = await askDoctor(t, {
    cwd: folder,
    command: [process.execPath, '--no-addons', '-r', './none.js', 'app.js', '--flag'],
  });
  t.like(report.program, { node: process.execPath, script: 'app.js', preloaded: false });
  t.is(report.engine.name, 'inspector');
  t.regex(found('native')?.text ?? '', /Start it without --no-addons/);
  t.is(report.identity?.service, 'bookshop');
  const { report: other } = await askDoctor(t, { cwd: folder, command: ['nowhere-to-be-found'] });
  t.deepEqual(other.failures, ['program']);
});

test.serial(
  'the environment of a program that is preloaded sends nothing of the doctor itself',
  async (t) => {
    const agent = await agentOf(t);
    const { report } = await askDoctor(t, {
      env: { NODE_OPTIONS: `--require ${AUTO}`, DD_TRACE_AGENT_URL: agent.url },
    });
    t.true(report.program.preloaded);
    t.deepEqual(
      agent.attempts.map(({ path }) => path),
      ['/info'],
    );
  },
);

test.serial('a working directory that is gone is a finding', async (t) => {
  const folder = temporaryFolder(t);
  const gone = join(folder, 'gone');
  mkdirSync(gone);
  const script = `cd ${gone} && rmdir ${gone} && exec "$@"`;
  const end = await run('sh', ['-c', script, 'sh', process.execPath, CLI, 'doctor', '--json'], {
    cwd: folder,
  });
  assertCalm(t, end);
  t.is(end.code, 1);
  t.true((JSON.parse(end.stdout) as DoctorReport).failures.includes('working-directory'));
});

test.serial('garbage in every variable is no stack of calls', async (t) => {
  const settings = JSON.parse(
    (await everflame(['doctor', '--json'], { cwd: temporaryFolder(t) })).stdout,
  ) as DoctorReport;
  const names = settings.settings.flatMap(({ variables }) => variables);
  for (const garbage of ['\u001b[31m"\\%zz', '::::', '[', '://@@', 'é'.repeat(3000)]) {
    const env = Object.fromEntries(names.map((name) => [name, garbage]));
    const end = await everflame(['doctor'], { cwd: temporaryFolder(t), env });
    assertCalm(t, end);
    t.true(end.code === 0 || end.code === 1);
    t.regex(end.stdout, /\nProfiles can(not)? arrive/);
    t.false(end.stdout.includes('\u001b'));
  }
});

test.serial('without HOME, PATH and a directory for temporary files it goes on', async (t) => {
  const env = { HOME: undefined, PATH: undefined, TMPDIR: '/nowhere', USER: undefined };
  const { report } = await askDoctor(t, { env: { ...env, EVERFLAME_SPOOL_DIR: undefined } });
  t.truthy(report.engine.name);
});

test.serial('--help has examples', async (t) => {
  const end = await everflame(['doctor', '--help'], { cwd: ROOT });
  t.is(end.code, 0);
  t.regex(end.stdout, /Examples:\n {2}everflame doctor\n/);
  t.regex(end.stdout, /The exit code is 0 when profiles can arrive, else 1/);
});
