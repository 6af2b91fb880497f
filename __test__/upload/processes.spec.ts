import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { type TestNode, testNodes } from '../support/nodes.js';
import { AUTO, CLI, type Ended, ROOT, run } from '../support/spawn.js';
import { cpuOf, spooled, startAgent, type TestAgent } from './support/agent.js';

/** CPU time that a process may use beside what its witness sees: from its last listener to the last sample. */
const SLACK_MILLISECONDS = 15;

/**
 * Loaded by each process before the profiler: writes down who it is, who has started it, and what it has used before the profiler
 * started, before its program, and in all.
 */
const WITNESS = `
  const { appendFileSync } = require('node:fs');
  const { isMainThread } = require('node:worker_threads');
  const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
  if (isMainThread) {
    const parent = Number(process.env.TEST_WITNESS_PID) || undefined;
    process.env.TEST_WITNESS_PID = process.pid;
    const before = used();
    let begun;
    globalThis.begin = () => { begun ??= used(); };
    process.on('exit', () => {
      const runtimeId = globalThis[Symbol.for('everflame.running')]?.status.runtimeId;
      const after = used();
      const line = { pid: process.pid, parent, runtimeId, before, begun: begun ?? after, after };
      appendFileSync(process.env.TEST_WITNESSES, JSON.stringify(line) + '\\n');
    });
  }`;

interface Witness {
  pid: number;
  parent?: number;
  runtimeId?: string;
  before: number;
  begun: number;
  after: number;
}

/** Programs that start others, by the names of their files; `root.cjs` is the first. */
interface Tree {
  name: string;
  files: Record<string, string>;
  /** Processes of Node.js there are, the first one included. */
  processes: number;
  /** Whether the first process can know that it has started others. */
  isSeen?: boolean;
  /** Whether sums are held against the processes' own more strictly too, in one that works long. */
  isLong?: boolean;
}

const PROGRAM = `begin(); ${BURN}\n`;
/** Loaded by each process after the profiler, where that can be: what it has used by then is nearest to what is not sampled. */
const STARTED = 'globalThis.begin?.();';
const CHILD = `const { fork, spawn, spawnSync, exec, execSync, execFile } = require('node:child_process');\n`;

const leaf = (times: number): string => `${PROGRAM} burn(${500 * times});`;

/** Trees whose processes work `times` as long as they need to be seen. */
const trees = (times: number): Tree[] => [
  { name: 'one process', files: { 'root.cjs': leaf(times) }, processes: 1 },
  {
    name: 'forks of forks, with worker threads in them',
    files: {
      'root.cjs': `${PROGRAM}${CHILD} burn(${300 * times}); fork(__dirname + '/child.cjs'); fork(__dirname + '/leaf.cjs');`,
      'child.cjs': `${PROGRAM}${CHILD} burn(${300 * times}); fork(__dirname + '/threads.cjs');`,
      'threads.cjs': `${PROGRAM} const { Worker } = require('node:worker_threads');
        for (let i = 0; i < 2; i++) new Worker(${JSON.stringify(`${BURN} burn(${300 * times});`)}, { eval: true });
        burn(${300 * times});`,
      'leaf.cjs': leaf(times),
    },
    processes: 4,
    isLong: true,
  },
  {
    name: 'spawn, exec, execFile and spawn with a shell',
    files: {
      'root.cjs': `${PROGRAM}${CHILD} const { execPath } = process; const leaf = __dirname + '/leaf.cjs';
        spawn(execPath, [leaf]); exec(JSON.stringify(execPath) + ' ' + JSON.stringify(leaf)); execFile(execPath, [leaf]);
        spawn(execPath, [leaf], { shell: true, detached: true, stdio: 'ignore', env: { ...process.env } }); burn(${300 * times});`,
      'leaf.cjs': leaf(times),
    },
    processes: 5,
  },
  {
    name: 'spawnSync and execSync',
    files: {
      'root.cjs': `${PROGRAM}${CHILD} const { execPath } = process; const leaf = __dirname + '/leaf.cjs';
        spawnSync(execPath, [leaf]); execSync(JSON.stringify(execPath) + ' ' + JSON.stringify(leaf)); burn(${300 * times});`,
      'leaf.cjs': leaf(times),
    },
    processes: 3,
    isSeen: false,
  },
  {
    name: 'a cluster of four under load',
    files: {
      'root.cjs': `${PROGRAM}
        const cluster = require('node:cluster');
        const http = require('node:http');
        if (cluster.isPrimary) {
          const workers = Array.from({ length: 4 }, () => cluster.fork());
          let listening = 0;
          cluster.on('listening', (_, { port }) => { if (++listening === 4) ask(port, 120); });
          let open = 0;
          function ask(port, left) {
            for (; open < 8 && left > 0; open++, left--) {
              http.get({ port, agent: false }, (answer) => answer.resume().on('end', () => { open--; ask(port, left); left = 0; }));
            }
            if (open === 0) for (const worker of workers) worker.disconnect();
          }
        } else {
          http.createServer((_, response) => { burn(${20 * times}); response.end('done'); }).listen(0);
        }`,
    },
    processes: 5,
    isLong: true,
  },
];

/** Of which a process's start is a small part, so that sums can be held against the processes' own within 3 %. */
const LONG = 4;

interface Way {
  name: string;
  begin(path: string, root: string): { args: string[]; env: Record<string, string> };
}

const BY_NODE_OPTIONS: Way = {
  name: 'NODE_OPTIONS',
  begin: (_, root) => ({ args: [root], env: { NODE_OPTIONS: `--require ${AUTO}` } }),
};
const BY_REQUIRE: Way = {
  name: 'node --require',
  begin: (_, root) => ({ args: ['--require', AUTO, root], env: {} }),
};
const WAYS: Way[] = [
  { name: 'everflame run', begin: (path, root) => ({ args: [CLI, 'run', path, root], env: {} }) },
  BY_REQUIRE,
  BY_NODE_OPTIONS,
];

/** Runs a tree to the end of all its processes, and returns what they said of themselves. */
async function runTree(
  t: ExecutionContext,
  { path }: TestNode,
  files: Record<string, string>,
  agent: TestAgent,
  way: Way,
): Promise<{ ended: Ended; witnesses: Witness[] }> {
  const folder = temporaryFolder(t, { ...files, 'witness.cjs': WITNESS, 'started.cjs': STARTED });
  const { args, env } = way.begin(path, join(folder, 'root.cjs'));
  const file = join(folder, 'witnesses');
  const preloads = [`--require ${join(folder, 'witness.cjs')}`];
  if (env.NODE_OPTIONS !== undefined) {
    preloads.push(env.NODE_OPTIONS, `--require ${join(folder, 'started.cjs')}`);
  }
  const ended = await run(path, args, {
    env: {
      ...agent.env,
      ...env,
      // A machine that is busy: the profile is to arrive all the same.
      EVERFLAME_EXIT_TIMEOUT: '20',
      TEST_WITNESSES: file,
      NODE_OPTIONS: preloads.join(' '),
    },
  });
  const witnesses = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Witness);
  return { ended, witnesses };
}

/** Each process that a witness has seen has sent one profile, under its own name and with its parent's. */
function checkProcesses(t: ExecutionContext, agent: TestAgent, profiled: Witness[]): void {
  const { received, violations } = agent.receiver;
  t.deepEqual(violations, []);
  t.deepEqual(spooled(agent.spool), []);
  const byPid = new Map(profiled.map((witness) => [witness.pid, witness]));
  const expected = profiled.map(({ pid, runtimeId, parent }) => [
    String(pid),
    runtimeId,
    parent === undefined ? undefined : byPid.get(parent)?.runtimeId,
    '0',
  ]);
  const found = received.map(({ tags }) =>
    ['process_id', 'runtime-id', 'parent_runtime_id', 'profile_seq'].map((key) => tags.get(key)),
  );
  t.deepEqual(sorted(found), sorted(expected));
  t.is(new Set(profiled.map(({ runtimeId }) => runtimeId)).size, profiled.length);
}

/** CPU time of a tree in milliseconds: what profiles say, and between what its processes do. */
interface Used {
  sum: number;
  least: number;
  most: number;
}

function usedBy(t: ExecutionContext, agent: TestAgent, witnesses: Witness[]): Used {
  const sum = agent.receiver.received.reduce((total, upload) => total + cpuOf(upload), 0);
  const least = witnesses.reduce((total, { begun, after }) => total + after - begun, 0);
  const most = witnesses.reduce((total, { before, after }) => total + after - before, 0);
  t.log(`${sum.toFixed(1)} ms in the profiles, of ${least.toFixed(1)} to ${most.toFixed(1)} ms`);
  return { sum, least, most };
}

/** What the tree has used is in the profiles. */
function checkCpu(t: ExecutionContext, agent: TestAgent, witnesses: Witness[]): void {
  const { sum, least, most } = usedBy(t, agent, witnesses);
  t.true(sum >= least * 0.97 && sum <= most * 1.03 + SLACK_MILLISECONDS * witnesses.length);
}

function sorted<T>(rows: T[][]): T[][] {
  return rows.map((row) => [...row]).sort((a, b) => String(a).localeCompare(String(b)));
}

for (const node of testNodes()) {
  const { major, path } = node;
  for (const way of WAYS) {
    for (const tree of trees(1)) {
      test.serial(
        `Node.js ${major}, ${way.name}: ${tree.name}: each process once, and no CPU time lost`,
        async (t) => {
          const agent = await startAgent(t);
          const { ended, witnesses: all } = await runTree(t, node, tree.files, agent, way);
          t.is(ended.code, 0, ended.stderr);
          // The command itself has no profiler.
          const witnesses = all.filter(({ pid }) => way.name !== 'everflame run' || pid !== ended.pid);
          const command = all.length - witnesses.length;
          for (const witness of witnesses)
            if (command > 0 && witness.parent === ended.pid) delete witness.parent;
          t.is(witnesses.length, tree.processes);
          checkProcesses(t, agent, witnesses);
          checkCpu(t, agent, witnesses);
          const roles = new Map(
            agent.receiver.received.map(({ tags }) => [tags.get('process_id'), tags.get('process_type')]),
          );
          for (const { pid, parent } of witnesses) {
            const isFirst = parent === undefined;
            const role =
              isFirst && (tree.processes === 1 || tree.isSeen === false)
                ? undefined
                : isFirst
                  ? 'main'
                  : 'worker';
            t.is(roles.get(String(pid)), role);
          }
        },
      );
    }
  }

  for (const tree of trees(LONG).filter(({ isLong }) => isLong)) {
    test.serial(
      `Node.js ${major}: ${tree.name}, that work long: the CPU time of all within 3 %`,
      async (t) => {
        const agent = await startAgent(t);
        const { ended, witnesses } = await runTree(t, node, tree.files, agent, BY_NODE_OPTIONS);
        t.is(ended.code, 0, ended.stderr);
        t.is(witnesses.length, tree.processes);
        checkProcesses(t, agent, witnesses);
        const { sum, least, most } = usedBy(t, agent, witnesses);
        // Whichever of the two is the truth.
        t.true(sum >= most * 0.97 && sum <= least * 1.03);
      },
    );
  }

  test.serial(`Node.js ${major}: an npm script and npm itself are profiled`, async (t) => {
    const agent = await startAgent(t);
    const manifest = JSON.stringify({ name: 'of-npm', version: '1.0.0', scripts: { work: 'node leaf.cjs' } });
    const folder = temporaryFolder(t, {
      'package.json': manifest,
      'leaf.cjs': `${BURN} burn(300); console.log('pid', process.pid);`,
    });
    const ended = await run(path, [CLI, 'run', 'npm', 'run', 'work'], {
      cwd: folder,
      env: { ...agent.env, EVERFLAME_EXIT_TIMEOUT: '20', PATH: `${dirname(path)}:${process.env.PATH}` },
    });
    t.is(ended.code, 0, ended.stderr);
    t.deepEqual(agent.receiver.violations, []);
    const pid = /^pid (\d+)$/m.exec(ended.stdout)?.[1];
    const { received } = agent.receiver;
    t.is(received.length, 2);
    const [script] = received.filter(({ tags }) => tags.get('process_id') === pid);
    const [outer] = received.filter(({ tags }) => tags.get('process_id') !== pid);
    t.is(script?.tags.get('parent_runtime_id'), outer?.tags.get('runtime-id'));
    t.deepEqual(
      [outer, script].map((upload) => upload?.tags.get('process_type')),
      ['main', 'worker'],
    );
  });

  test.serial(
    `Node.js ${major}: processes that a manager forks by the cluster module are profiled once`,
    async (t) => {
      const agent = await startAgent(t);
      // As PM2 does: its own file is executed, which then loads the program as the main module.
      const files = {
        'root.cjs': `${PROGRAM}
        const cluster = require('node:cluster');
        cluster.setupPrimary({ exec: __dirname + '/container.cjs', args: [__dirname + '/app.cjs'], execArgv: ['--no-warnings'] });
        for (let instance = 0; instance < 2; instance++) cluster.fork({ NODE_APP_INSTANCE: instance });
        burn(200);`,
        'container.cjs': `process.argv[1] = process.argv[2];
        require('node:module')._load(process.argv[1], null, true);`,
        'app.cjs': `${PROGRAM} if (require.main !== module) throw new Error('not the main module');
        burn(100); process.disconnect();`,
      };
      const { ended, witnesses } = await runTree(t, node, files, agent, BY_NODE_OPTIONS);
      t.deepEqual([ended.code, ended.stderr], [0, '']);
      t.is(witnesses.length, 3);
      checkProcesses(t, agent, witnesses);
      checkCpu(t, agent, witnesses);
    },
  );

  test.serial(`Node.js ${major}: an npm script below NODE_OPTIONS is profiled, and npm itself`, async (t) => {
    const agent = await startAgent(t);
    const manifest = JSON.stringify({ name: 'of-npm', version: '1.0.0', scripts: { work: 'node leaf.cjs' } });
    const folder = temporaryFolder(t, {
      'package.json': manifest,
      'leaf.cjs': `${BURN} burn(100); console.log('pid', process.pid);`,
    });
    const ended = await run('npm', ['run', '--silent', 'work'], {
      cwd: folder,
      env: {
        ...agent.env,
        EVERFLAME_EXIT_TIMEOUT: '20',
        NODE_OPTIONS: `--require ${AUTO}`,
        PATH: `${dirname(path)}:${process.env.PATH}`,
      },
    });
    t.deepEqual([ended.code, ended.stderr], [0, '']);
    const { received, violations } = agent.receiver;
    t.deepEqual(violations, []);
    const pid = /^pid (\d+)$/m.exec(ended.stdout)?.[1];
    const ids = received.map(({ tags }) => tags.get('process_id'));
    t.true(ids.includes(pid));
    t.is(ids.length, 2);
    t.is(new Set(ids).size, 2);
  });

  for (const [how, flags, variable] of [
    ['a flag', (blob: string) => ['--snapshot-blob', blob], undefined],
    ['NODE_OPTIONS', () => [], (blob: string) => `--snapshot-blob ${blob}`],
  ] as const) {
    test.serial(`Node.js ${major}: a program from a snapshot, by ${how}, runs and is profiled`, async (t) => {
      const agent = await startAgent(t);
      const folder = temporaryFolder(t, {
        'app.cjs': `${BURN} const { startupSnapshot } = require('node:v8');
          startupSnapshot.setDeserializeMainFunction(() => {
            burn(100);
            console.log('begun');
            setTimeout(() => console.log('over'), 300);
          });`,
      });
      const blob = join(folder, 'app.blob');
      const app = join(folder, 'app.cjs');
      const built = await run(path, ['--snapshot-blob', blob, '--build-snapshot', app]);
      t.deepEqual([built.code, built.stderr], [0, '']);
      const ended = await run(path, ['--require', AUTO, ...flags(blob), 'words'], {
        env: { ...agent.env, EVERFLAME_EXIT_TIMEOUT: '20', NODE_OPTIONS: variable?.(blob) },
      });
      t.deepEqual([ended.code, ended.signal, ended.stdout], [0, null, 'begun\nover\n'], ended.stderr);
      // A worker that loads node:net aborts the process there.
      const isAlone = ['22', '24'].includes(major);
      const line = /^everflame: warn: uploads have no thread of their own .*--snapshot-blob.*\n$/;
      t.regex(ended.stderr, isAlone ? line : /^$/);
      const { received, violations } = agent.receiver;
      t.deepEqual(violations, []);
      t.is(received.length, isAlone ? 0 : 1);
      t.is(spooled(agent.spool).length, isAlone ? 1 : 0);
    });
  }

  // Node.js 22 hands a child the flags of the model by this name of it alone.
  const model = Number(major) < 22 ? '--experimental-permission' : '--permission';
  for (const [what, flags, line] of [
    [
      'without worker threads uploads are made on the main thread',
      [],
      /^everflame: warn: uploads have no thread of their own .*--allow-worker/,
    ],
    ['with worker threads they are made on their own', ['--allow-worker'], undefined],
  ] as const) {
    test.serial(`Node.js ${major}: under the permission model, ${what}`, async (t) => {
      const agent = await startAgent(t);
      const folder = temporaryFolder(t, { 'leaf.cjs': `${BURN} burn(100);` });
      const own = [
        model,
        '--allow-addons',
        '--allow-fs-read=*',
        '--allow-fs-write=*',
        '--allow-child-process',
        '--allow-net',
      ];
      const known = own.filter((flag) => flag !== '--allow-net' || Number(major) >= 25);
      // A child, to be profiled as well, with the model of its parent where Node.js hands it on.
      const script = `const { spawnSync } = require('node:child_process');
        spawnSync(process.execPath, [${JSON.stringify(join(folder, 'leaf.cjs'))}], { stdio: 'inherit' });
        ${BURN} burn(100);`;
      const ended = await run(path, [...known, ...flags, '--require', AUTO, '-e', script], {
        env: { ...agent.env, EVERFLAME_EXIT_TIMEOUT: '20' },
      });
      t.is(ended.code, 0, ended.stderr);
      const said = ended.stderr.split('\n').filter((line) => line.startsWith('everflame:'));
      t.is(said.length > 0, line !== undefined, ended.stderr);
      for (const text of said) t.regex(text, line ?? /^$/);
      const { received, violations } = agent.receiver;
      t.deepEqual(violations, []);
      const sent = received.map(({ tags }) => tags.get('process_id'));
      const waiting = spooled(agent.spool).map((file) => basename(file).split('.')[1]);
      // The main thread cannot both wait and send: what it has at the end is for the next process.
      t.is((line === undefined ? sent : waiting).filter((pid) => pid === String(ended.pid)).length, 1);
      t.is(sent.length + waiting.length, 2);
      t.is(new Set([...sent, ...waiting]).size, 2);
    });
  }

  test.serial(
    `Node.js ${major}: a child whose environment switches profiling off is left alone`,
    async (t) => {
      const agent = await startAgent(t);
      const files = {
        'root.cjs': `${PROGRAM}${CHILD} burn(200);
        fork(__dirname + '/leaf.cjs');
        for (const word of ['false', '0', 'no', 'off']) {
          fork(__dirname + '/leaf.cjs', [], { env: { ...process.env, DD_PROFILING_ENABLED: word } });
        }`,
        'leaf.cjs': `${PROGRAM} burn(100);`,
      };
      const { witnesses } = await runTree(t, node, files, agent, BY_REQUIRE);
      const profiled = witnesses.filter(({ runtimeId }) => runtimeId !== undefined);
      t.deepEqual([witnesses.length, profiled.length], [6, 2]);
      checkProcesses(t, agent, profiled);
    },
  );

  test.serial(
    `Node.js ${major}: a child with an environment of its own starts the profiler by hand, once`,
    async (t) => {
      const agent = await startAgent(t);
      const files = {
        'root.cjs': `${PROGRAM}${CHILD} burn(200);
        const { DD_TRACE_AGENT_URL, EVERFLAME_SPOOL_DIR, EVERFLAME_EXIT_TIMEOUT, TEST_WITNESSES } = process.env;
        const env = { DD_TRACE_AGENT_URL, EVERFLAME_SPOOL_DIR, EVERFLAME_EXIT_TIMEOUT, TEST_WITNESSES };
        spawn(process.execPath, ['--require', __dirname + '/witness.cjs', __dirname + '/leaf.cjs'], { env, stdio: 'inherit' });`,
        'leaf.cjs': `${PROGRAM}
        const before = Boolean(globalThis[Symbol.for('everflame.running')]);
        const { startProfiler } = require(${JSON.stringify(ROOT)} + '/dist/src/auto.js');
        console.log(before, startProfiler(), startProfiler());
        burn(200);`,
      };
      const { ended, witnesses } = await runTree(t, node, files, agent, BY_REQUIRE);
      t.is(ended.stdout, 'false true true\n', ended.stderr);
      t.is(witnesses.length, 2);
      checkProcesses(t, agent, witnesses);
    },
  );
}
