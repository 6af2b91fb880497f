/** The collector with its store, as its commands start it. */
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { classify } from '#src/profile/classify.js';
import { cpuProfile, SMALL } from '../import/support/cpuprofile.js';
import { buildProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { CLI, type Ended, everflame, run, start } from '../support/spawn.js';
import { terminalTest, withTerminal } from '../support/terminal.js';
import { openView } from '../support/view.js';

const TYPES: [string, string][] = [
  ['sample', 'count'],
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];
const main = { name: 'main', file: '/app/main.js', line: 9, startLine: 1 };
const render = { name: 'render', file: '/app/node_modules/@scope/md/lib/render.js', line: 31, startLine: 30 };
const memcpy = { name: 'memcpy', module: '/usr/lib/libc.so.6' };
const collect = { name: 'Garbage Collection' };
const emit = { name: 'emit', file: 'node:events', line: 510, startLine: 460 };

interface Table {
  total: number;
  rows: { name: string; kind: string; package: string; self: number; total: number }[];
}

interface Services {
  services: { name: string; profiles: number; instances: number }[];
}

/** Burns CPU time, however long that takes, in a function of its own. */
const BURN = `
function burn(milliseconds) {
  const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
  const end = used() + milliseconds;
  let sum = 0;
  while (used() < end) for (let i = 0; i < 1e5; i++) sum += Math.sqrt(i);
  return sum;
}
`;
const BUSY = `${BURN} burn(1500);`;

/** What a loaded machine sends late is not what these tests are about (__test__/upload/exits.spec.ts). */
const PATIENT = { EVERFLAME_EXIT_TIMEOUT: '30' };

test('files are shown with their own sums, and are left as they are', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'a.pprof');
  buildProfile(file, TYPES, [
    { values: [2, 3e6, 5e6], stack: [main, render], thread: 'Main Event Loop' },
    { values: [1, 7e6, 11e6], stack: [main, render, memcpy], thread: 'Main Event Loop' },
    { values: [1, 13e6, 17e6], stack: [main, collect], thread: 'Worker #1 Event Loop' },
    { values: [1, 19e6, 23e6], stack: [main, emit], thread: 'Worker #1 Event Loop' },
  ]);
  const view = await openView(t, ['view', '--port', '0', '--no-open', file], { cwd: folder });
  const { services } = await view.json<Services>('/services');
  t.deepEqual(
    services.map(({ name, profiles }) => [name, profiles]),
    [['a.pprof', 1]],
  );
  const all = `service=a.pprof&from=0&to=${Date.now() + 1000}`;
  const cpu = await view.json<Table>(`/table?${all}&by=function`);
  t.is(cpu.total, 56e6);
  t.deepEqual(
    cpu.rows.map(({ name, self, total }) => [name, self, total]),
    [
      ['emit', 23e6, 23e6],
      ['Garbage Collection', 17e6, 17e6],
      ['memcpy', 11e6, 11e6],
      ['render', 5e6, 16e6],
      ['main', 0, 56e6],
    ],
  );
  // The two places that say where a frame comes from say the same.
  for (const [index, frame] of [emit, collect, memcpy, render, main].entries()) {
    const { name, file: source = '', module = '' } = { file: '', module: '', ...frame };
    const { kind, package: from } = classify(name, source, module);
    t.like(cpu.rows[index], { name, kind, package: from });
  }
  const wall = await view.json<Table>(`/table?${all}&type=wall&by=${encodeURIComponent('thread name')}`);
  t.deepEqual(
    wall.rows.map(({ name, total }) => [name, total]),
    [
      ['Worker #1 Event Loop', 32e6],
      ['Main Event Loop', 10e6],
    ],
  );
  const { code, stderr } = await view.end();
  t.is(code, 0, stderr);
  t.deepEqual(readdirSync(folder), ['a.pprof'], 'nothing is left beside the file');
});

test('a file that is no profile is named, with what is taken', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'notes.txt'), 'nothing of that kind');
  const { code, stderr } = await everflame(['view', '--no-open', '--port', '0', 'notes.txt'], {
    cwd: folder,
  });
  t.is(code, 1);
  t.regex(
    stderr,
    /error: notes\.txt cannot be shown: read as collapsed stacks, line 1 has no stack and number: "nothing of that kind"\. Accepted are pprof, \.cpuprofile .* with gzip\n$/,
  );
  const missing = await everflame(['view', '--no-open', 'gone.pprof', 'notes.txt'], { cwd: folder });
  t.is(missing.code, 1);
  t.regex(missing.stderr, /error: cannot read gone\.pprof: ENOENT/);
});

test('of several files those that cannot be shown are told, and the others are shown', async (t) => {
  const folder = temporaryFolder(t);
  // As Node.js writes it where too little was allocated for a sample.
  const head = {
    callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 },
    selfSize: 0,
    id: 1,
    children: [],
  };
  writeFileSync(join(folder, 'Heap.heapprofile'), JSON.stringify({ head, samples: [] }));
  writeFileSync(join(folder, 'a.folded'), 'main;work 12\n');
  const view = await openView(
    t,
    ['view', '--port', '0', '--no-open', 'Heap.heapprofile', 'a.folded', 'gone.pprof'],
    { cwd: folder },
  );
  const { services } = await view.json<Services>('/services');
  t.deepEqual(
    services.map(({ name }) => name),
    ['a.folded'],
  );
  const { code, stderr } = await view.end();
  t.is(code, 0);
  t.regex(stderr, /warn: Heap\.heapprofile cannot be shown: .*nothing that was allocated is in it\./);
  t.regex(stderr, /warn: cannot read gone\.pprof: ENOENT/);
});

test('files of every kind are shown, each under a name of its own', async (t) => {
  const folder = temporaryFolder(t);
  const paths = ['a/x.folded', 'b/x.folded', 'b/y.cpuprofile', 'c/copy.folded'].map((path) =>
    join(folder, path),
  );
  for (const name of ['a', 'b', 'c']) mkdirSync(join(folder, name));
  const [first, second, cpu, copy] = paths as [string, string, string, string];
  writeFileSync(first, 'main;work 3\n');
  writeFileSync(second, 'main;work 5\n');
  writeFileSync(cpu, JSON.stringify(cpuProfile(SMALL, [2, 3], [100, 200])));
  writeFileSync(copy, 'main;work 3\n');
  const written = Date.UTC(2025, 2, 3) / 1000;
  utimesSync(cpu, written, written);
  // The same file twice is one.
  const view = await openView(t, ['view', '--port', '0', '--no-open', ...paths, 'b/../a/x.folded'], {
    cwd: folder,
  });
  const { services } = await view.json<{ services: { name: string; to: number }[] }>('/services');
  t.deepEqual(services.map(({ name }) => name).sort(), ['a/x.folded', 'b/x.folded', 'y.cpuprofile']);
  t.is(services.find(({ name }) => name === 'y.cpuprofile')?.to, written * 1000, 'of when it was written');
  const total = async (service: string, type: string): Promise<number> =>
    (await view.json<Table>(`/table?service=${service}&from=0&to=${Date.now()}&type=${type}&by=function`))
      .total;
  t.deepEqual(
    [
      await total('a/x.folded', 'sample'),
      await total('b/x.folded', 'sample'),
      await total('y.cpuprofile', 'wall'),
    ],
    [3, 5, 300_000],
  );
  const { code, stderr } = await view.end();
  t.is(code, 0, stderr);
  t.regex(stderr, /copy\.folded is the same as a\/x\.folded, and is shown once/);
});

test('what a program sends and what it leaves in the inbox is kept, and is there the next time', async (t) => {
  const folder = temporaryFolder(t);
  const view = await openView(t, ['view', '--port', '0', '--no-open'], { cwd: folder });
  const sent = await run(process.execPath, [CLI, 'run', 'node', '-e', BUSY], {
    cwd: folder,
    env: { ...PATIENT, DD_TRACE_AGENT_URL: view.url, DD_SERVICE: 'sent' },
  });
  t.is(sent.code, 0, sent.stderr);
  const left = await run(process.execPath, [CLI, 'run', '--exporters', 'local', 'node', '-e', BUSY], {
    cwd: folder,
    env: { DD_SERVICE: 'left' },
  });
  t.is(left.code, 0, left.stderr);
  t.true(left.stderr.includes(`the profiles of 1 process are on the page at ${view.url}`), left.stderr);
  const both = async (): Promise<string[]> =>
    (await view.json<Services>('/services')).services.map(({ name }) => name);
  while (!(await both()).includes('left')) await new Promise((resolve) => setTimeout(resolve, 100));
  t.deepEqual(await both(), ['left', 'sent']);
  t.is((await view.end()).code, 0);

  for (const service of ['sent', 'left']) {
    const { code, stdout, stderr } = await everflame(
      ['query', 'table', '--service', service, '--limit', '1', '--json'],
      { cwd: folder },
    );
    t.is(code, 0, stderr);
    const table = JSON.parse(stdout) as Table;
    const [row] = table.rows;
    t.is(row?.name, 'burn', service);
    t.true((row?.self ?? 0) <= table.total && table.total > 1e9, `${service}: ${table.total} ns`);
  }
  t.false(existsSync(join(folder, '.everflame', 'refused')));
});

test('a program and its page in one command: Ctrl+C ends both, and the history stays', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'app.js'), `${BURN} setInterval(() => burn(50), 100);`);
  const view = await openView(t, ['dev', '--port', '0', '--no-open', 'node', 'app.js'], {
    cwd: folder,
    env: { ...PATIENT, DD_SERVICE: 'app' },
  });
  const found = async (): Promise<number> => {
    const { services } = await view.json<Services>('/services');
    return services.find(({ name }) => name === 'app')?.profiles ?? 0;
  };
  // It sends while it runs.
  while ((await found()) < 2) await new Promise((resolve) => setTimeout(resolve, 100));
  const before = await found();
  const { signal, code, stderr } = await view.end();
  t.is(signal ?? code, 'SIGINT', stderr);
  t.regex(stderr, /the history is in .*store; to see it again: everflame view/);
  const { stdout } = await everflame(['query', 'services', '--json'], { cwd: folder });
  const [service] = (JSON.parse(stdout) as Services).services;
  t.true((service?.profiles ?? 0) > before, 'the last profile is kept');
});

test('the first samples do not wait for the end of the first period', async (t) => {
  const folder = temporaryFolder(t, { 'app.js': `${BURN} setInterval(() => burn(20), 50);` });
  const view = await openView(t, ['dev', '--port', '0', '--no-open', '--period', '3600', 'node', 'app.js'], {
    cwd: folder,
    env: { DD_SERVICE: 'shop' },
  });
  const limit = performance.now() + 60_000;
  let found: Services['services'] = [];
  while (found.length === 0 && performance.now() < limit)
    ({ services: found } = await view.json<Services>('/services'));
  t.deepEqual(
    found.map(({ name, profiles }) => [name, profiles]),
    [['shop', 1]],
  );
  await view.end();
});

test('with --exit the command ends with the program, and as it does', async (t) => {
  const folder = temporaryFolder(t);
  const { code } = await everflame(
    ['dev', '--no-open', '--port', '0', '--exit', 'node', '-e', 'process.exit(7)'],
    {
      cwd: folder,
    },
  );
  t.is(code, 7);
  const none = await everflame(['dev', '--no-open', '--port', '0', 'nosuchprogram'], { cwd: folder });
  t.is(none.code, 127, none.stderr);
});

terminalTest(
  'the page is opened where there is a display and a terminal, once the program runs',
  async (t) => {
    const opened = join(temporaryFolder(t, { opened: '' }), 'opened');
    const tools = temporaryFolder(t, { 'xdg-open': `#!/bin/sh\necho "$1" >> ${opened}\n` });
    chmodSync(join(tools, 'xdg-open'), 0o755);
    const dev = async (...args: string[]): Promise<Ended> => {
      const words = [process.execPath, CLI, 'dev', '--port', '0', '--exit', ...args];
      const { ended } = start(...withTerminal(words.join(' ')), {
        cwd: temporaryFolder(t),
        env: { DISPLAY: ':0', PATH: `${tools}:${process.env.PATH}` },
      });
      return ended;
    };
    const none = await dev('nosuchprogram');
    t.is(none.code, 127, none.stdout);
    const some = await dev('node', '-e', '0');
    t.is(some.code, 0, some.stdout);
    const [, page] = /the page is at (\S+)/.exec(some.stdout) ?? [];
    const limit = performance.now() + 20_000;
    while (!readFileSync(opened, 'utf8').endsWith('\n') && performance.now() < limit) await pause(50);
    t.is(readFileSync(opened, 'utf8'), `${page}\n`);
  },
);

/** Runs `everflame dev` on a script. `told` waits until it has said something on standard error, and returns all of that. */
function startDev(t: ExecutionContext, script: string) {
  const args = [CLI, 'dev', '--no-open', '--port', '0', 'node', '-e', script];
  const { child, ended } = start(process.execPath, args, { cwd: temporaryFolder(t) });
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stderr?.on('data', (more: string) => {
    text += more;
  });
  const told = async (part: string): Promise<string> => {
    const signal = AbortSignal.timeout(60_000);
    while (!text.includes(part)) await once(child.stderr as Readable, 'data', { signal });
    return text;
  };
  return { child, ended, told };
}

test('a program that crashes by a signal leaves the page, and the command ends as it did', async (t) => {
  const { child, ended, told } = startDev(t, 'setTimeout(() => process.kill(process.pid, "SIGKILL"), 200)');
  const text = await told('node has ended (SIGKILL); the page stays. Ctrl+C ends it\n');
  const page = new URL(/the page is at (\S+)/.exec(text)?.[1] ?? '');
  t.is((await fetch(new URL('/api/v1/services', page))).status, 200);
  child.kill('SIGINT');
  t.is((await ended).signal, 'SIGKILL');
});

test('what finds no page waits beside its own history, unless another place is named', async (t) => {
  const folder = temporaryFolder(t);
  const print = ['node', '-p', 'process.env.EVERFLAME_SPOOL_DIR'];
  const dev = (env: Record<string, string>) =>
    everflame(['dev', '--no-open', '--port', '0', '--exit', ...print], { cwd: folder, env });
  t.is((await dev({})).stdout, `${join(folder, '.everflame', 'spool')}\n`);
  t.is((await dev({ EVERFLAME_SPOOL_DIR: '/tmp/other' })).stdout, '/tmp/other\n');
});

test('of a program that goes on after Ctrl+C it is told how to end it', async (t) => {
  const { child, ended, told } = startDev(
    t,
    'let times = 0; process.on("SIGINT", () => console.error("no " + ++times)); setInterval(() => {}, 1e3); console.error("up")',
  );
  await told('up\n');
  child.kill('SIGINT');
  t.notRegex(await told('no 1'), /goes on after/);
  child.kill('SIGINT');
  await told('node goes on after SIGINT, and the page with it. Ctrl+\\ (SIGQUIT) ends both\n');
  await told('no 2');
  child.kill('SIGQUIT');
  const { signal, stderr } = await ended;
  t.is(signal, 'SIGQUIT', stderr);
  t.regex(stderr, /the history is in/);
});

test('a program of which nothing is profiled is told, and files are written where a flag says so', async (t) => {
  const folder = temporaryFolder(t);
  const dev = (args: string[], env = {}) =>
    everflame(['dev', '--no-open', '--port', '0', '--exit', ...args], {
      cwd: folder,
      env: { ...PATIENT, ...env },
    });
  t.regex(
    (await dev(['true'])).stderr,
    /no Node\.js process has reported a profile: true is not a Node\.js program/,
  );
  const off = await dev(['node', '-e', '0'], { DD_PROFILING_ENABLED: 'false' });
  t.regex(off.stderr, /no Node\.js process was profiled: DD_PROFILING_ENABLED is false/);
  const { code, stderr } = await dev(['--output', 'out', '--inbox', 'in', 'node', '-e', BUSY]);
  t.is(code, 0, stderr);
  t.notRegex(stderr, /warn/);
  t.regex(stderr, /to see it again: everflame view --inbox in\n/);
  t.true(readdirSync(join(folder, 'out')).length > 0);
  const { stdout } = await everflame(['query', 'services', '--json', '--inbox', 'in'], { cwd: folder });
  t.true((JSON.parse(stdout) as Services).services.length > 0);
});

test('a second collector of one store is told of the first, and of its port', async (t) => {
  const folder = temporaryFolder(t);
  const view = await openView(t, ['view', '--port', '0', '--no-open'], { cwd: folder });
  const second = await everflame(['view', '--port', '0', '--no-open'], { cwd: folder });
  t.is(second.code, 1);
  t.regex(second.stderr, /is written by process \d+\. End that one, or name another folder with --store/);
  const port = new URL(view.url).port;
  const other = await everflame(['view', '--port', port, '--no-open', '--store', 'other'], { cwd: folder });
  t.is(other.code, 1);
  t.regex(other.stderr, new RegExp(`port ${port}`));
});

test('questions in words', async (t) => {
  const folder = temporaryFolder(t);
  const view = await openView(t, ['view', '--port', '0', '--no-open'], { cwd: folder });
  const ask = (...args: string[]) => everflame(['query', ...args], { cwd: folder });
  t.is((await ask('services')).stdout, 'no profiles yet\n');
  t.regex(
    (await ask('table')).stderr,
    /there are no profiles in the store yet\. To make some: everflame dev/,
  );
  const { code } = await run(process.execPath, [CLI, 'run', 'node', '-e', BUSY], {
    cwd: folder,
    env: { ...PATIENT, DD_TRACE_AGENT_URL: view.url, DD_SERVICE: 'shop' },
  });
  t.is(code, 0);
  t.regex((await ask('services')).stdout, /^service {2}profiles .*\nshop +1 +1 /);
  t.regex((await ask('table', '--limit', '1')).stdout, /^cpu: [\d.]+ s\n\n.*self.*\n.* burn /);
  t.regex((await ask('table', '--by', 'thread name')).stdout, /\n.* % {2}Main Event Loop\n/);
  t.regex((await ask('labels')).stdout, /thread name +Main Event Loop/);
  t.regex((await ask('profiles')).stdout, /wall .*cpu /);
  t.regex((await ask('series', '--step', '60')).stdout, /^cpu: .*\n\nfrom +cpu\n\d{4}-/);
  t.regex(
    (await ask('table', '--type', 'heap')).stderr,
    /no values of type "heap"; it has sample, wall, cpu/,
  );
  t.regex((await ask('table', '--from', 'soon')).stderr, /--from "soon" is no time: give 15m/);
  t.regex((await ask('table', '--from', '5')).stderr, /--from "5" is no time: give 15m/);
  t.regex(
    (await ask('services', '--from', '15m')).stderr,
    /--from says nothing about services: leave it out, or ask for labels or table or series or metrics or profiles/,
  );
  t.regex((await ask('table', '--step', '5')).stderr, /--step says nothing about table: .* ask for series/);
  t.regex((await ask('table', '--where', 'x')).stderr, /--where "x": give key:value/);
  t.regex((await ask('table', '--service', 'nope')).stderr, /no service "nope"; there is shop/);
  // An option that may be repeated takes one value each time.
  t.regex((await ask('--where', 'thread name:Main Event Loop', 'table', '--limit', '1')).stdout, / burn /);
  const gone = await everflame(['query', 'services', '--store', 'nowhere'], { cwd: folder });
  t.regex(gone.stderr, /there is no store in .*nowhere yet: everflame view or everflame dev makes one/);
  const empty = temporaryFolder(t);
  t.regex((await everflame(['query', 'services'], { cwd: empty })).stderr, /there is no store in /);
  t.deepEqual(readdirSync(empty), [], 'a question makes no folder');
});

test('a collector beyond this machine asks for its token', async (t) => {
  const folder = temporaryFolder(t);
  const { child, ended } = start(
    process.execPath,
    [
      CLI,
      'view',
      '--host',
      '0.0.0.0',
      '--port',
      '0',
      '--no-open',
      '--token',
      'abcdefghijklmnopqrstuvwxyz012345',
    ],
    { cwd: folder },
  );
  const page = await new Promise<string>((resolve) => {
    child.stderr?.on('data', (text: string) => {
      const found = /the page is at (\S+)/.exec(text);
      if (found) resolve(found[1] as string);
    });
  });
  const address = new URL(page);
  address.hostname = '127.0.0.1';
  t.is((await fetch(new URL('/api/v1/services', address))).status, 403);
  const headers = { Authorization: 'Bearer abcdefghijklmnopqrstuvwxyz012345' };
  t.is((await fetch(new URL('/api/v1/services', address), { headers })).status, 200);
  child.kill('SIGINT');
  t.is((await ended).code, 0);
});

const TOKEN = 'abcdefghijklmnopqrstuvwxyz012345';
const BEARER = { headers: { Authorization: `Bearer ${TOKEN}` } };

test.serial('the token may be in the environment, where no list of processes shows it', async (t) => {
  const folder = temporaryFolder(t);
  const env = { EVERFLAME_TOKEN: TOKEN };
  const view = await openView(t, ['view', '--port', '0', '--no-open'], { cwd: folder, env });
  const services = new URL('/api/v1/services', view.url);
  t.is((await fetch(services)).status, 403);
  t.is((await fetch(services, BEARER)).status, 200);
  t.is((await view.end()).code, 0);
  const short = await everflame(['view', '--port', '0', '--no-open'], {
    cwd: folder,
    env: { EVERFLAME_TOKEN: 'x' },
  });
  t.is(short.code, 1);
  t.regex(short.stderr, /the token must have at least 22 letters/);
});

test.serial('with a token, a program sends by a socket, and does not learn the token', async (t) => {
  const folder = temporaryFolder(t);
  const temporary = temporaryFolder(t);
  writeFileSync(
    join(folder, 'app.js'),
    `${BURN} console.log(String(process.env.EVERFLAME_TOKEN)); setInterval(() => burn(50), 100);`,
  );
  const view = await openView(t, ['dev', '--port', '0', '--no-open', 'node', 'app.js'], {
    cwd: folder,
    env: { DD_SERVICE: 'app', EVERFLAME_TOKEN: TOKEN, TMPDIR: temporary },
  });
  const services = new URL('/api/v1/services', view.url);
  t.is((await fetch(services)).status, 403);
  const found = async (): Promise<string> => (await fetch(services, BEARER)).text();
  while (!(await found()).includes('"app"')) await new Promise((resolve) => setTimeout(resolve, 100));
  const { stdout, stderr } = await view.end();
  t.is(stdout, 'undefined\n', stderr);
  t.deepEqual(
    readdirSync(temporary).filter((name) => name.startsWith('everflame-dev-')),
    [],
  );
});

test.serial('the help of dev tells how often it sends, and where', async (t) => {
  const { stdout } = await everflame(['dev', '--help']);
  t.regex(
    stdout.replace(/\s+/g, ' '),
    /--period <seconds> Time between two profiles\. Takes .*? \(default: 1\)\. /,
  );
  // Not those of an Agent, which run tells of.
  t.regex(
    stdout.replace(/\s+/g, ' '),
    /--exporters <names> .*? \(default: `datadog`, which is the page here, /,
  );
  t.notRegex(stdout, /where none\s+answers/);
});
