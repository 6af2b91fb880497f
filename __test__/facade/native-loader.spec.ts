import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, ROOT, run } from '../support/spawn.js';

const WORKLOAD = `
  const end = Date.now() + 200;
  while (Date.now() < end) Math.sqrt(end);
  console.log('output of the program');
  process.exitCode = 42;
`;

/** Runs the workload with a native library that cannot be loaded. */
function withLibrary(library: string, folder: string, engine: string, node = process.execPath) {
  const env = {
    NAPI_RS_NATIVE_LIBRARY_PATH: library,
    DD_PROFILING_OUTPUT_PPROF: join(folder, 'out', 'p'),
    EVERFLAME_ENGINE: engine,
  };
  return run(node, ['--require', AUTO, '-e', WORKLOAD], { env });
}

test('a missing binary: one line says what is missing and why, and V8 profiles instead', async (t) => {
  const folder = temporaryFolder(t);
  const missing = join(folder, 'missing.node');
  for (const { major, path } of testNodes()) {
    const end = await withLibrary(missing, folder, 'auto', path);
    t.is(end.code, 42, major);
    t.is(end.stdout, 'output of the program\n');
    t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
    t.regex(
      end.stderr,
      /^everflame: warn: native code, native threads and executing lines of callers are missing/,
    );
    for (const fact of [process.platform, process.arch, missing])
      t.true(end.stderr.includes(fact), end.stderr);
  }
  t.is(profilesIn(join(folder, 'out')).length, testNodes().length);
});

test('a binary of another platform is told from a missing one', async (t) => {
  // The file header of a shared library for 32-bit big-endian PowerPC.
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 2, 1, 0]);
  header.set([0, 3, 0, 20], 16);
  const folder = temporaryFolder(t);
  const { writeFileSync } = await import('node:fs');
  const library = join(folder, 'foreign.node');
  writeFileSync(library, header);
  const end = await withLibrary(library, folder, 'auto');
  t.is(end.code, 42);
  t.regex(end.stderr, /foreign\.node.*(ELF|header|truncated|too short)/);
});

test('a forced engine that cannot start is one error line; the program runs without a profiler', async (t) => {
  const folder = temporaryFolder(t);
  const end = await withLibrary(join(folder, 'missing.node'), folder, 'tick');
  t.is(end.code, 42);
  t.is(end.stdout, 'output of the program\n');
  t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
  t.regex(end.stderr, /^everflame: error: the engine tick cannot start: .*Use EVERFLAME_ENGINE=auto/);
  t.deepEqual(profilesIn(join(folder, 'out')), []);
});

test('in code, a forced engine that cannot start throws an error with a code', async (t) => {
  const folder = temporaryFolder(t);
  const script = `
    const { Profiler, EverflameError } = require(${JSON.stringify(ROOT)});
    const profiler = new Profiler({ engine: 'perf' });
    try { profiler.start(); } catch (error) {
      console.log(error instanceof EverflameError, error.code, profiler.status.running);
    }`;
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: join(folder, 'missing.node') };
  const end = await run(process.execPath, ['-e', script], { env });
  t.is(end.stdout, 'true ENGINE_UNAVAILABLE false\n', end.stderr);
});

test('the package has no install scripts and ships no binary of its own', async (t) => {
  const { readFileSync } = await import('node:fs');
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
    files: string[];
    optionalDependencies?: object;
  };
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    t.false(name in manifest.scripts, name);
  t.false(readdirSync(ROOT).includes('binding.gyp'));
  t.true(manifest.files.every((pattern) => !pattern.endsWith('.node') && pattern !== 'native'));
  t.is(manifest.optionalDependencies, undefined);
});
