import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, shareOf, total } from '../support/pprof.js';
import { AUTO, type Ended, ROOT, run } from '../support/spawn.js';

/** Uses CPU time, then says so and ends with a code of its own. */
const PROGRAM = `${BURN}
burn(300); console.log('output of the program'); process.exitCode = 42;`;

/** Leaves the counters of the profiler that the preload started in a file. */
const COUNTING = `${PROGRAM}
const { counters } = globalThis[Symbol.for('everflame.running')]?.metrics() ?? {};
require('node:fs').writeFileSync(process.env.EVERFLAME_TEST_COUNTERS, JSON.stringify(counters ?? null));`;

/** Node.js itself has about 20 descriptors, so the lower limit leaves a few. */
const WITHIN = ['auto', 'ctimer', 'tick', 'perf', 'itimer'].flatMap((engine) =>
  [64, 24].map((descriptors) => [engine, descriptors] as const),
);

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Runs the program below a limit of the shell, such as `ulimit -n 64`, with a profiler or without; `node` is a Node.js, or
 * what runs one.
 */
function limited(
  limit: string,
  node: string | string[],
  env: Record<string, string> | undefined,
  program = PROGRAM,
): Promise<Ended> {
  const auto = env ? ['--require', AUTO] : [];
  const command = [node, ...auto, '-e', program].flat().map(quote).join(' ');
  return run('/bin/sh', ['-c', `${limit} && exec ${command}`], env ? { env } : {});
}

function runsOn(t: ExecutionContext, end: Ended, what: string): void {
  t.deepEqual([end.code, end.signal, end.stdout], [42, null, 'output of the program\n'], what + end.stderr);
}

/** How a process comes to a `/proc` that is not its own, or to none. */
const NAMESPACES = {
  'the /proc of another process namespace': ['--pid', '--fork'],
  'no /proc': ['--mount', '--fork', '/bin/sh', '-c', 'umount -l /proc && exec "$@"', 'sh'],
};

/** Why this machine makes no such namespace; undefined where it does. */
function noNamespace(options: string[]): string | undefined {
  try {
    execFileSync('unshare', [...options, 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return (error as Error).message.trim().split('\n').at(-1);
  }
}

/** The command that denies a system call to what follows it. Its program is built once a run. */
let deny: string | undefined;
function denier(t: ExecutionContext, call: string, error: string): string[] {
  if (!deny || !existsSync(deny)) {
    deny = join(temporaryFolder(t), 'deny');
    execFileSync('cc', ['-Wall', '-Werror', '-o', deny, join(ROOT, '__test__/workloads/safety/deny.c')]);
  }
  return [deny, call, error];
}

function denying(
  t: ExecutionContext,
  call: string,
  error: string,
  node: string,
  env: Record<string, string>,
) {
  const [command = '', ...args] = denier(t, call, error);
  return run(command, [...args, node, '--require', AUTO, '-e', PROGRAM], { env });
}

/** Runs the program that counts with 64 or 24 descriptors; the counters are null where no profiler has started. */
async function withDescriptors(
  t: ExecutionContext,
  descriptors: number,
  node: string | string[],
  engine: string,
): Promise<{ end: Ended; burned: number; failures: number | undefined }> {
  const folder = temporaryFolder(t);
  const file = join(folder, 'counters.json');
  const env = {
    EVERFLAME_ENGINE: engine,
    EVERFLAME_TEST_COUNTERS: file,
    DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
  };
  const end = await limited(`ulimit -n ${descriptors}`, node, env, COUNTING);
  runsOn(t, end, '');
  const counters = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number> | null;
  const burned = shareOf(profilesIn(folder).map(readProfile), 'cpu', 'burn');
  return { end, burned, failures: counters?.engine_thread_failures };
}

/** What the profiler says where the system denies perf altogether, which is a case of its own. */
const PERF_REFUSED = /^everflame: error: the engine perf cannot start: .*perf_event_open.*\n$/;

for (const { major, path } of testNodes()) {
  for (const [engine, descriptors] of WITHIN) {
    test.serial(`Node.js ${major}: ${engine} with ${descriptors} file descriptors`, async (t) => {
      const { end, burned, failures } = await withDescriptors(t, descriptors, path, engine);
      if (end.stderr === '') {
        t.true(burned > 0.3);
        // Every thread has its timer: `perf` gives those that find no descriptor a CPU timer.
        t.is(failures, 0);
      } else t.regex(end.stderr, PERF_REFUSED);
    });
  }

  test.serial(
    `Node.js ${major}: threads for which there is no timer are interrupted by the observer`,
    async (t) => {
      // As where no more signals may be pending: perf has too few descriptors, and the kernel has no timer instead.
      const node = [...denier(t, 'timer_create', 'EAGAIN'), path];
      const { end, burned, failures } = await withDescriptors(t, 24, node, 'perf');
      if (end.stderr === '') {
        t.true(burned > 0.3);
        t.true((failures ?? 0) > 0, `${failures} threads without a timer`);
      } else {
        t.regex(end.stderr, PERF_REFUSED);
        t.log('perf_event_open is refused on this machine');
      }
    },
  );

  test.serial(`Node.js ${major}: perf denied by seccomp is one error with the remedy`, async (t) => {
    const folder = temporaryFolder(t);
    const env = { EVERFLAME_ENGINE: 'perf', DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
    const end = await denying(t, 'perf_event_open', 'EPERM', path, env);
    runsOn(t, end, '');
    t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
    t.regex(end.stderr, /^everflame: error: the engine perf cannot start: perf_event_open is not permitted/);
    for (const remedy of ['perf_event_paranoid', 'seccomp', 'EVERFLAME_ENGINE=auto'])
      t.true(end.stderr.includes(remedy), end.stderr);
    t.deepEqual(profilesIn(folder), []);
  });

  test.serial(
    `Node.js ${major}: where no engine works the line says what to allow, and forces none`,
    async (t) => {
      const folder = temporaryFolder(t);
      const calls = ['timer_create', 'rt_tgsigqueueinfo', 'perf_event_open', 'setitimer'];
      const [command = '', ...args] = calls.flatMap((call) => denier(t, call, 'EPERM'));
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
      const end = await run(command, [...args, path, '--require', AUTO, '-e', PROGRAM], { env });
      runsOn(t, end, '');
      t.regex(end.stderr, /^everflame: warn: .*V8's own profiler is used: no engine works here.*\n$/);
      for (const call of calls) t.true(end.stderr.includes(call), end.stderr);
      t.false(end.stderr.includes('EVERFLAME_ENGINE'), end.stderr);
      t.is(profilesIn(folder).length, 1);
    },
  );

  for (const [engine, call] of [
    ['ctimer', 'timer_create'],
    ['tick', 'rt_tgsigqueueinfo'],
    ['itimer', 'setitimer'],
  ] as const) {
    test.serial(
      `Node.js ${major}: the engine ${engine} without ${call} is one error with both remedies`,
      async (t) => {
        const end = await denying(t, call, 'EPERM', path, { EVERFLAME_ENGINE: engine });
        runsOn(t, end, '');
        t.regex(
          end.stderr,
          new RegExp(
            `^everflame: error: the engine ${engine} cannot start: .*allow the system call .*in the seccomp profile\\. .*EVERFLAME_ENGINE=auto .*\\n$`,
          ),
        );
        t.true(end.stderr.includes(call), end.stderr);
        t.false(/EVERFLAME_ENGINE=(?!auto)/.test(end.stderr), end.stderr);
      },
    );
  }

  for (const [call, error] of [
    ['perf_event_open', 'ENOSYS'],
    ['timer_create', 'EPERM'],
    ['rt_tgsigqueueinfo', 'EPERM'],
  ] as const) {
    test.serial(`Node.js ${major}: without ${call} the program is still profiled, and quietly`, async (t) => {
      const folder = temporaryFolder(t);
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
      const end = await denying(t, call, error, path, env);
      runsOn(t, end, '');
      t.is(end.stderr, '');
      const profiles = profilesIn(folder).map(readProfile);
      t.true(shareOf(profiles, 'cpu', 'burn') > 0.3, `${shareOf(profiles, 'cpu', 'burn')}`);
    });
  }

  for (const [what, options] of Object.entries(NAMESPACES)) {
    const obstacle = noNamespace(options);
    const title = `Node.js ${major}: with ${what} V8's profiler takes over, with one line`;
    const testOrSkip = obstacle === undefined ? test.serial : test.skip;
    testOrSkip(obstacle === undefined ? title : `${title} (not tested: ${obstacle})`, async (t) => {
      const folder = temporaryFolder(t);
      const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') };
      const end = await run('unshare', [...options, path, '--require', AUTO, '-e', PROGRAM], { env });
      runsOn(t, end, '');
      t.regex(
        end.stderr,
        /^everflame: warn: .*V8's own profiler is used: \/proc is not this process's own.*mount -t proc.*\n$/,
      );
      t.true(shareOf(profilesIn(folder).map(readProfile), 'wall', 'burn') > 0.3);
    });
  }

  test.serial(
    `Node.js ${major}: where no thread can be started, one line says so; the program runs on`,
    async (t) => {
      const library = join(temporaryFolder(t), 'no-threads.so');
      const source = join(ROOT, '__test__/workloads/safety/no-threads.c');
      execFileSync('cc', ['-Wall', '-Werror', '-shared', '-fPIC', '-o', library, source]);
      // V8's own profiler, which would take over, needs a thread too and ends the process where it gets none.
      const script = `process.env.EVERFLAME_TEST_NO_THREADS = '1';
      new (require(${JSON.stringify(ROOT)}).Profiler)({ exporters: [] }).start(); ${PROGRAM}`;
      const end = await run(path, ['-e', script], { env: { LD_PRELOAD: library } });
      runsOn(t, end, '');
      t.regex(
        end.stderr,
        /^everflame: error: a thread of the profiler could not be started: .*ulimit -u.* The program runs without a profiler\.\n$/,
      );
    },
  );

  test.serial(
    `Node.js ${major}: what the sampler itself cannot write is one error, also when a signal ends the program`,
    async (t) => {
      const folder = join(temporaryFolder(t), 'out');
      // While it is busy the folder becomes a file; then it comes to its event loop, or never does.
      const script = (then: string) => `${BURN}
        const fs = require('node:fs');
        setTimeout(() => {
          fs.rmSync(process.env.FOLDER, { recursive: true });
          fs.writeFileSync(process.env.FOLDER, '');
          ${then}
        }, 300);`;
      const env = {
        FOLDER: folder,
        DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
        DD_PROFILING_UPLOAD_PERIOD: '0.5',
      };
      const said =
        /^everflame: error: cannot write profiles to .*\/out\/p\.\d+\.\d+\.wall\.pprof: .*--output <dir>.*\n$/;
      const back = await run(path, ['--require', AUTO, '-e', script('burn(2500); process.exitCode = 42;')], {
        env,
      });
      t.is(back.code, 42);
      t.regex(back.stderr, said);
      const killed = await run(
        path,
        ['--require', AUTO, '-e', script("burn(300); process.kill(process.pid, 'SIGTERM');")],
        { env: { ...env, FOLDER: `${folder}2`, DD_PROFILING_OUTPUT_PPROF: `${folder}2/p` } },
      );
      t.is(killed.signal, 'SIGTERM');
      t.regex(
        killed.stderr,
        /^everflame: error: cannot write profiles to .*--output <dir>; .*EVERFLAME_SPOOL_DIR=<dir>\.\n$/,
      );
    },
  );

  test.serial(`Node.js ${major}: a full disk is one error; the program runs on`, async (t) => {
    const folder = temporaryFolder(t);
    // A file may have one block: every profile is larger.
    const end = await limited('ulimit -f 1', path, { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') });
    runsOn(t, end, '');
    t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
    t.regex(end.stderr, /^everflame: error: cannot write profiles to .*The disk is full: free space/);
    t.deepEqual(readdirSync(folder), [], 'nothing half written stays behind');
  });

  test.serial(
    `Node.js ${major}: a folder that nobody can write to is one error; the program runs on`,
    async (t) => {
      // Not even the superuser makes folders there.
      const env = { DD_PROFILING_OUTPUT_PPROF: '/proc/sys/everflame/p' };
      const end = await run(path, ['--require', AUTO, '-e', PROGRAM], { env });
      runsOn(t, end, '');
      t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
      t.regex(end.stderr, /^everflame: error: .*\/proc\/sys\/everflame/);
    },
  );

  test.serial(`Node.js ${major}: address space for the program and 512 MB more is enough`, async (t) => {
    const folder = temporaryFolder(t);
    const peak = await run(path, [
      '-e',
      `${PROGRAM} console.log(/VmPeak:\\s*(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1]);`,
    ]);
    const kilobytes = Number(peak.stdout.split('\n')[1]) + 512 * 1024;
    const limit = `ulimit -v ${kilobytes}`;
    runsOn(t, await limited(limit, path, undefined), 'without us: ');
    const end = await limited(limit, path, { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') });
    runsOn(t, end, 'with us: ');
    t.is(end.stderr, '');
    t.true(total(profilesIn(folder).map(readProfile), 'cpu') > 250e6);
  });
}
