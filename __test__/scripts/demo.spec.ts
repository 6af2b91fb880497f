/** What the demo does once everything is set up: scripts/demo/. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { ROOT, type Running, start } from '../support/spawn.js';

const urlOf = (...parts: string[]) => pathToFileURL(join(ROOT, 'scripts', ...parts)).href;
const LIMIT_MILLISECONDS = 30_000;
/** The last line that it says when it is up. */
const UP = 'Ctrl+C ends all of it and keeps the history.';

interface Row {
  name: string;
  kind: string;
  file: string;
  self: number;
}

/** A demo without its set-up, with a history of the test's own; all that it starts has a mark in its environment. */
function startDemo(t: ExecutionContext, inbox: string, call = 'stayUp', options: object = {}) {
  const module = JSON.stringify(urlOf('demo', call === 'stayUp' ? 'stay.mjs' : 'check.mjs'));
  const given = JSON.stringify({ inbox, port: 0, open: false, ...options });
  const file = join(
    temporaryFolder(t, {
      'demo.mjs': `
        import { main } from ${JSON.stringify(urlOf('setup', 'commands.mjs'))};
        import { ${call} } from ${module};
        await main(() => ${call}(${given}, { problem: 'the test has none.' }));`,
    }),
    'demo.mjs',
  );
  const mark = `DEMO_MARK=${randomUUID()}`;
  const [name, value] = mark.split('=') as [string, string];
  const temporary = temporaryFolder(t);
  const running = start(process.execPath, [file], {
    env: { [name]: value, npm_lifecycle_event: undefined, TMPDIR: temporary },
  });
  t.teardown(() => running.child.kill('SIGTERM'));
  return { ...running, temporary, left: () => marked(mark) };
}

/** Command lines of the processes that have a mark, by their numbers. */
function marked(mark: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark)) continue;
      const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      // One that has ended and waits for its parent to notice has no words.
      if (words.join('') !== '') found.set(Number(pid), words.join(' ').trim());
    } catch (error) {
      // It has ended meanwhile, or is another user's.
      if (!['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return found;
}

/** Waits until the page has profiles of the load. Returns its address. */
async function profiled({ said }: Pick<Running, 'said'>): Promise<string> {
  const page = new URL(/http:\S+live=1/.exec(await said(UP))?.[0] ?? '').origin;
  const limit = Date.now() + LIMIT_MILLISECONDS;
  while (Date.now() < limit) {
    const table = await fetch(`${page}/api/v1/table?service=everflame-getting-started&by=function`);
    const { rows = [] } = (await table.json()) as { rows?: Row[] };
    if (rows.some(({ name }) => name === 'findAuthor')) return page;
    await sleep(50);
  }
  throw new Error('No profile of the load has come.');
}

/** What stays of a demo that has ended: what was killed with it takes a moment where others have the cores. */
async function leftOf(
  demo: ReturnType<typeof startDemo>,
  milliseconds = 5_000,
): Promise<[pid: number, words: string][]> {
  const limit = Date.now() + milliseconds;
  while (demo.left().size > 0 && Date.now() < limit) await sleep(20);
  return [...demo.left()];
}

for (const [signal, code] of [
  ['SIGINT', 0],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test.serial(`${signal} ends service, load and collector, and the history stays`, async (t) => {
    const inbox = join(temporaryFolder(t), 'inbox');
    const demo = startDemo(t, inbox);
    const page = await profiled(demo);
    const running = [...demo.left().values()].join('\n');
    for (const one of [/main\.js dev /, /server\.mjs/, /load\.mjs/]) t.regex(running, one);
    demo.child.kill(signal);
    demo.child.kill(signal);
    const { code: ended, stdout, stderr } = await demo.ended;
    t.is(ended, code, stderr);
    t.deepEqual(await leftOf(demo), []);
    await t.throwsAsync(fetch(page));
    t.is(stderr, '');
    t.regex(stdout, /\d+ requests, [\d.]+ a second/);
    t.is(signal === 'SIGINT', /CPU time by function/.test(stdout), stdout);
    t.regex(
      stdout,
      /The history is in \S*\/inbox\/store\. To see it again:\n {2}node \S+ view --inbox \S+\n$/,
    );
    t.true(readdirSync(join(inbox, 'store')).length > 0);
  });
}

test.serial('so does the end of whoever reads what it writes', async (t) => {
  const demo = startDemo(t, join(temporaryFolder(t), 'inbox'), 'stayUp', { seconds: 3 });
  await demo.said(UP);
  demo.child.stdout?.destroy();
  t.is((await demo.ended).code, 1);
  t.deepEqual(await leftOf(demo), []);
});

test.serial('SIGKILL leaves nothing behind either, and the history stays', async (t) => {
  const inbox = join(temporaryFolder(t), 'inbox');
  const demo = startDemo(t, inbox);
  await profiled(demo);
  demo.child.kill('SIGKILL');
  t.is((await demo.ended).signal, 'SIGKILL');
  t.deepEqual(await leftOf(demo, LIMIT_MILLISECONDS), []);
  t.true(readdirSync(join(inbox, 'store')).length > 0);
});

test.serial('a service that ends is told, and nothing goes on', async (t) => {
  const demo = startDemo(t, join(temporaryFolder(t), 'inbox'));
  await profiled(demo);
  for (const [pid, words] of demo.left()) if (/^\S+ server\.mjs$/.test(words)) process.kill(pid, 'SIGKILL');
  const { code, stderr } = await demo.ended;
  t.is(code, 1);
  t.regex(stderr, /^The service ended with SIGKILL:/);
  t.deepEqual(await leftOf(demo), []);
});

test.serial('a second demo is told where the first one is', async (t) => {
  const inbox = join(temporaryFolder(t), 'inbox');
  const first = startDemo(t, inbox);
  const page = await profiled(first);
  const second = startDemo(t, inbox);
  const { code, stdout, stderr } = await second.ended;
  t.deepEqual([code, stdout], [1, '']);
  t.regex(
    stderr,
    /^The demo runs already: process \d+ writes its history, and its page is at (\S+)\. Look at it there/,
  );
  t.true(stderr.includes(`${page}. `), stderr);
  t.deepEqual(await leftOf(second), []);
  first.child.kill('SIGINT');
  t.is((await first.ended).code, 0);
});

test.serial("a port that is taken is told by the collector's words", async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const demo = startDemo(t, join(temporaryFolder(t), 'inbox'), 'stayUp', { port });
  const { code, stdout, stderr } = await demo.ended;
  t.deepEqual([code, stdout], [1, '']);
  t.true(stderr.startsWith(`port ${port} of 127.0.0.1 is taken by process ${process.pid} (`), stderr);
  t.is(stderr.trimEnd().split('\n').length, 1);
  t.deepEqual(await leftOf(demo), []);
});

test.serial(
  'the check finds the problem by the API where there is no browser, says so, and keeps nothing',
  async (t) => {
    const demo = startDemo(t, '', 'check', { seconds: 5 });
    const { code, stdout, stderr } = await demo.ended;
    t.is(code, 0, `${stdout}\n${stderr}`);
    t.regex(
      stdout,
      /: findAuthor, [\d.]+ % of all CPU time, in examples\/getting-started\/src\/recommendations\.mjs\.\n/,
    );
    t.true(
      stdout.endsWith("The collector's API said so. The page itself was not looked at: the test has none.\n"),
      stdout,
    );
    t.deepEqual(await leftOf(demo), []);
    // The profiler has a folder of its own there.
    const kept = readdirSync(demo.temporary).filter((name) => name.startsWith('everflame-demo-'));
    t.deepEqual(kept, []);
  },
);

test('the problem is found as far down as a reader would look, and not further', async (t) => {
  const { findProblem } = (await import(urlOf('demo', 'verdict.mjs'))) as {
    findProblem(where: string, rows: Row[]): { rank: number; self: number };
  };
  const row = (name: string, self: number, kind = 'app'): Row => ({
    name,
    kind,
    self,
    file: `/shop/${name}.mjs`,
  });
  const others = [
    row('sha512', 900e6, 'native'),
    ...['a', 'b', 'c', 'd'].map((name, index) => row(name, (80 - index) * 1e6)),
    row('parse', 70e6, 'package'),
  ];
  const problem = row('findAuthor', 7e6);
  t.deepEqual(findProblem('It', [...others, problem]), { rank: 5, self: 7e6, file: problem.file });
  t.throws(() => findProblem('It', [...others, row('e', 8e6), problem]), {
    message:
      "It does not show the known problem: findAuthor is not among the first 5 of the service's own functions.\n" +
      '  80 ms  a\n  79 ms  b\n  78 ms  c\n  77 ms  d\n  8 ms  e',
  });
  t.throws(() => findProblem('It', [row('findAuthor', 9e6, 'package')]), {
    message: /There are no functions of its own among 1\.$/,
  });
});

test('an option that cannot be used is told with what it takes', async (t) => {
  const { readOptions } = (await import(urlOf('demo', 'options.mjs'))) as {
    readOptions(args: string[]): { seconds?: number; open: boolean };
  };
  for (const [args, message] of [
    [['--port', '65536'], '--port takes a whole number from 0 to 65535; this is "65536".'],
    [['--port', ''], '--port takes a whole number from 0 to 65535; this is "".'],
    [['--seconds', '1e3'], '--seconds takes a whole number from 1 to 86400; this is "1e3".'],
    [
      ['--version', 'a\nb'],
      '--version takes up to 100 letters, digits and characters of ".+-_"; this is "a\\nb".',
    ],
  ] as const)
    t.throws(() => readOptions([...args]), { message });
  t.is(readOptions([]).seconds, undefined);
  t.is(readOptions(['--check']).seconds, 30);
  t.deepEqual([readOptions(['--check']).open, readOptions([]).open], [false, true]);
});
