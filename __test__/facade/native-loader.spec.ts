import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
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

test.serial('a missing binary: one line says what is missing and why, and V8 profiles instead', async (t) => {
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
    for (const fact of [process.platform, process.arch, missing, 'or unset it'])
      t.true(end.stderr.includes(fact), end.stderr);
    t.false(end.stderr.includes('--omit=optional'), end.stderr);
  }
  t.is(profilesIn(join(folder, 'out')).length, testNodes().length);
});

for (const { major, path } of testNodes()) {
  test.serial(
    `Node.js ${major}: a NAPI_RS_NATIVE_LIBRARY_PATH that names no sampler is told with what to do about it`,
    async (t) => {
      const folder = temporaryFolder(t, {
        'loader.js': "console.log('loaded'); module.exports = {};",
        'text.node': 'text',
      });
      const other = join(folder, 'other.node');
      // Any addon that is none of ours will do: nothing of it runs but its registration.
      execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-o', other, '-'], {
        input: `void *napi_register_module_v1(void *env, void *exports) { return exports; }
        int node_api_module_get_api_version_v1(void) { return 8; }`,
      });
      for (const [named, why] of [
        ['/nonexistent.node', "Cannot find module '/nonexistent.node'"],
        [folder, 'it is no .node file'],
        [join(folder, 'loader.js'), 'it is no .node file'],
        ['everflame-wasm32-wasi', 'it is no .node file'],
        [join(folder, 'text.node'), `${join(folder, 'text.node')}: file too short`],
        [other, 'it is the addon of another package'],
      ] as const) {
        const { code, stdout, stderr } = await withLibrary(named, folder, 'auto', path);
        t.deepEqual([code, stdout], [42, 'output of the program\n'], stderr);
        t.is(stderr.split('\n').length, 2, stderr);
        t.true(
          stderr.includes(`named by NAPI_RS_NATIVE_LIBRARY_PATH, ${named}, could not be loaded`),
          stderr,
        );
        t.true(stderr.includes(`: ${why}. Let it name an everflame.linux-`), stderr);
        t.regex(stderr, /\.node that loads here, or unset it\.$/m);
      }
    },
  );

  test.serial(
    `Node.js ${major}: a path in NAPI_RS_NATIVE_LIBRARY_PATH is that from the working directory`,
    async (t) => {
      const named = relative(process.cwd(), join(ROOT, 'native', BINARY));
      t.is((await withLibrary(named, temporaryFolder(t), 'auto', path)).stderr, '');
    },
  );
}

/** A binary that is there but for its end, as after a download or an unpacking that was broken off. */
const CUTS: [string, (size: number) => number][] = [
  ['1000 bytes', () => 1000],
  ['5000 bytes', () => 5000],
  ['100000 bytes', () => 100_000],
  ['1000000 bytes', () => 1_000_000],
  ['its half', (size) => size >> 1],
  ['all but 100000 bytes', (size) => size - 100_000],
];
const CUT_SHORT = /\.node is cut short: it has \d+ of at least \d+ bytes\. Remove it and install it again/;

for (const { major, path } of testNodes()) {
  test.serial(
    `Node.js ${major}: a binary cut short is not loaded, which would end the process`,
    async (t) => {
      const whole = readFileSync(join(ROOT, 'native', BINARY));
      const folder = temporaryFolder(t);
      const named = join(folder, 'named.node');
      for (const [what, size] of CUTS) {
        const binary = whole.subarray(0, size(whole.length));
        const { said } = await installed(t, binary, path);
        t.is(said.split('\n').length, 2, what + said);
        t.regex(said, CUT_SHORT, what);
        const package_ = await installed(t, undefined, path, [], binary);
        t.is(package_.said.split('\n').length, 2, what + package_.said);
        t.regex(package_.said, CUT_SHORT, what);
        writeFileSync(named, binary);
        const end = await withLibrary(named, folder, 'auto', path);
        t.is(end.code, 42, what + end.stderr);
        t.is(end.stderr.split('\n').length, 2, what + end.stderr);
        t.regex(end.stderr, CUT_SHORT, what);
      }
    },
  );

  test.serial(`Node.js ${major}: where a build is cut short the package's binary is loaded`, async (t) => {
    const whole = readFileSync(join(ROOT, 'native', BINARY));
    t.is((await installed(t, whole.subarray(0, 5000), path, [], whole)).said, '');
  });

  test.serial(
    `Node.js ${major}: where the C library is not known no binary cut short is loaded either`,
    async (t) => {
      const folder = temporaryFolder(t);
      const hiding = join(folder, 'hiding.js');
      writeFileSync(
        hiding,
        `const fs = require('node:fs');
       const { readFileSync } = fs;
       fs.readFileSync = (path, ...rest) => readFileSync(path === '/proc/self/maps' ? '/dev/null' : path, ...rest);`,
      );
      const cut = readFileSync(join(ROOT, 'native', BINARY)).subarray(0, 5000);
      t.regex((await installed(t, cut, path, [], undefined, ['--require', hiding])).said, CUT_SHORT);
      t.regex((await installed(t, undefined, path, [], cut, ['--require', hiding])).said, CUT_SHORT);
    },
  );
}

test.serial('in a checkout, a binary cut short is to be built again', async (t) => {
  const cut = readFileSync(join(ROOT, 'native', BINARY)).subarray(0, 5000);
  const { said } = await installed(t, cut, process.execPath, ['Cargo.toml']);
  t.regex(said, /\.node is cut short: .* bytes\. Build it again with "npm run build"\.$/m);
});

test.serial('a binary of another platform is told from a missing one', async (t) => {
  // The file header of a shared library for 32-bit big-endian PowerPC.
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 2, 1, 0]);
  header.set([0, 3, 0, 20], 16);
  const folder = temporaryFolder(t);
  const library = join(folder, 'foreign.node');
  writeFileSync(library, header);
  const end = await withLibrary(library, folder, 'auto');
  t.is(end.code, 42);
  t.regex(end.stderr, /foreign\.node.*(ELF|header|truncated|too short)/);
});

const BINARY =
  readdirSync(join(ROOT, 'native')).find((name) => name.includes(`linux-${process.arch}-`)) ?? '';

/**
 * The package as npm installs it, with this as its binary and `more` files of the repository, with `packaged` in the package
 * of the platform, and what it says when it is preloaded behind these `options` of Node.js.
 */
async function installed(
  t: ExecutionContext,
  binary: Buffer | undefined,
  node = process.execPath,
  more: string[] = [],
  packaged?: Buffer,
  options: string[] = [],
) {
  const folder = temporaryFolder(t);
  const root = join(folder, 'everflame');
  mkdirSync(join(root, 'native'), { recursive: true });
  for (const name of ['dist', 'package.json', 'native/index.js', ...more])
    cpSync(join(ROOT, name), join(root, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  if (binary) writeFileSync(join(root, 'native', BINARY), binary);
  if (packaged) {
    const beside = join(folder, 'node_modules', `everflame-${BINARY.split('.')[1]}`);
    mkdirSync(beside, { recursive: true });
    writeFileSync(join(beside, 'package.json'), JSON.stringify({ main: BINARY }));
    writeFileSync(join(beside, BINARY), packaged);
  }
  const env = { DD_PROFILING_OUTPUT_PPROF: join(folder, 'out', 'p') };
  const auto = join(root, 'dist', 'src', 'auto.js');
  const end = await run(node, [...options, '--require', auto, '-e', WORKLOAD], { env });
  t.is(end.code, 42, end.stderr);
  t.is(end.stdout, 'output of the program\n');
  t.is(profilesIn(join(folder, 'out')).length, 1);
  return { said: end.stderr, file: join(root, 'native', BINARY) };
}

/** The binary with a word replaced by another of its length, wherever it stands. */
function patched(word: string, other: string): Buffer {
  const text = readFileSync(join(ROOT, 'native', BINARY)).toString('latin1');
  return Buffer.from(text.replaceAll(word, other), 'latin1');
}

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: an installed package loads its binary, and nothing is said`, async (t) => {
    t.is((await installed(t, readFileSync(join(ROOT, 'native', BINARY)), path)).said, '');
  });

  test.serial(
    `Node.js ${major}: an installed package without a binary names the package to add`,
    async (t) => {
      const { said, file } = await installed(t, undefined, path);
      t.is(said.split('\n').length, 2, said);
      t.true(said.includes(`tried ${file} (does not exist) and the package everflame-linux-`), said);
      t.regex(
        said,
        /: Cannot find module '.*'\. Install without --omit=optional, or add everflame-linux-\S+\.$/m,
      );
    },
  );

  test.serial(
    `Node.js ${major}: a binary that is there and does not load has a remedy by its cause`,
    async (t) => {
      const own = readFileSync(join(ROOT, 'native', BINARY));
      const foreign = Buffer.from(own);
      foreign.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18);
      const checkout = await installed(t, foreign, path, ['Cargo.toml']);
      t.regex(
        checkout.said,
        /\.node is for another kind of processor: build it for this machine with "npm run build"\.$/m,
      );
      const glibc = /GLIBC_2\.\d\d/.exec(own.toString('latin1'))?.[0] ?? '';
      for (const [binary, remedy] of [
        [
          Buffer.from('<html>Not found</html>'),
          /\.node is damaged or no Linux library: remove it and install again on this machine/,
        ],
        [foreign, /\.node is for another kind of processor: remove it and install again on this machine/],
        [
          patched(glibc, 'GLIBC_9.99'),
          /GLIBC_9\.99' not found.*\. The C library of this system is older than the binary needs/,
        ],
        [
          patched('libgcc_s.so.1', 'libgcc_x.so.1'),
          /\. Install the system's package that has libgcc_x\.so\.1\.$/m,
        ],
      ] as const) {
        const { said, file } = await installed(t, binary, path);
        t.is(said.split('\n').length, 2, said);
        t.true(said.includes(`tried ${file} and the package`), said);
        t.regex(said, remedy);
        t.false(said.includes('--omit=optional'), said);
      }
    },
  );

  test.serial(
    `Node.js ${major}: without ldd no diagnostic report is made, whose settings are the program's`,
    async (t) => {
      const folder = temporaryFolder(t, {
        'without-ldd.js': `
        const fs = require('node:fs');
        const { readFileSync } = fs;
        fs.readFileSync = (path, ...rest) => readFileSync(path === '/usr/bin/ldd' ? '/nowhere' : path, ...rest);
        process.report.getReport = () => { throw new Error('a report was made'); };`,
      });
      const end = await run(
        path,
        [
          '--require',
          './without-ldd.js',
          '--require',
          AUTO,
          '-e',
          'console.log(process.report.excludeNetwork)',
        ],
        { cwd: folder, env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') } },
      );
      t.is(end.stderr, '');
      t.is(end.stdout, 'false\n');
    },
  );
}

test.serial(
  'a forced engine that cannot start is one error line; the program runs without a profiler',
  async (t) => {
    const folder = temporaryFolder(t);
    const end = await withLibrary(join(folder, 'missing.node'), folder, 'tick');
    t.is(end.code, 42);
    t.is(end.stdout, 'output of the program\n');
    t.is(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
    t.regex(
      end.stderr,
      /^everflame: error: the engine tick cannot start: .*Let Everflame choose with --engine auto, EVERFLAME_ENGINE=auto or /,
    );
    t.deepEqual(profilesIn(join(folder, 'out')), []);
  },
);

test.serial('in code, a forced engine that cannot start throws an error with a code', async (t) => {
  const folder = temporaryFolder(t);
  const script = `
    const { Profiler, EverflameError } = require(${JSON.stringify(ROOT)});
    const profiler = new Profiler({ engine: ' Perf', exporters: [] });
    try { profiler.start(); } catch (error) {
      console.log(error instanceof EverflameError, error.code, profiler.status.running);
      console.log(profiler.status.failure === error.message);
    }`;
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: join(folder, 'missing.node') };
  const end = await run(process.execPath, ['-e', script], { env });
  t.is(end.stdout, 'true ENGINE_UNAVAILABLE false\ntrue\n', end.stderr);
});

test.serial('the package has no install scripts and ships no binary of its own', async (t) => {
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
