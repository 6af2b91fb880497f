import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { buildSync, transformSync } from 'esbuild';
import { rollup } from 'rollup';
import webpack from 'webpack';
import { temporaryFolder } from '../../support/folder.js';
import { ROOT } from '../../support/spawn.js';

/** What the author wrote: `main.ts` calls a function `work` of `first.ts` and one of `second.ts`. */
export const AUTHOR = join(ROOT, '__test__', 'workloads', 'laws', 'author');

/** A program made from the author's files. */
export interface Built {
  /** What Node.js runs. */
  program: string;
  /** Where the author's files are. */
  sources: string;
  flags?: string[];
  env?: Record<string, string>;
  /** Where it is run. */
  cwd?: string;
}

export type Build = (t: ExecutionContext) => Built | Promise<Built>;

/** A way that needs a release of Node.js, by its major number, or a later one, or is gone after one. */
export interface Way {
  build: Build;
  since?: number;
  until?: number;
}

/** The 1-based line of a text in one of the author's files. */
export function lineOf(file: string, text: string): number {
  const lines = readFileSync(join(AUTHOR, file), 'utf8').split('\n');
  return lines.findIndex((line) => line.includes(text)) + 1;
}

const main = join(AUTHOR, 'main.ts');

function esbuild(options: Parameters<typeof buildSync>[0], folder: (t: ExecutionContext) => string): Build {
  return (t) => {
    const at = folder(t);
    const inside = at.includes('%');
    if (inside) cpSync(AUTHOR, join(at, 'src'), { recursive: true });
    const sources = inside ? join(at, 'src') : AUTHOR;
    const program = join(at, options.format === 'esm' ? 'out.mjs' : 'out.cjs');
    buildSync({
      bundle: true,
      platform: 'node',
      logLevel: 'error',
      entryPoints: [join(sources, 'main.ts')],
      outfile: program,
      ...options,
    });
    return { program, sources };
  };
}

/** A folder whose name is hard to write as a URL. */
function hardFolder(t: ExecutionContext): string {
  const folder = join(temporaryFolder(t), 'a b#c%20d?é');
  mkdirSync(folder);
  return folder;
}

/** `tsc` as TypeScript's users run it. */
function tsc(...options: string[]): Build {
  return (t) => {
    const folder = temporaryFolder(t);
    const args = [
      '--outDir',
      folder,
      '--target',
      'es2022',
      '--module',
      'commonjs',
      '--skipLibCheck',
      '--types',
      'node',
    ];
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '--ignoreConfig', ...args, ...options, main],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stdout);
    return { program: join(folder, 'main.js'), sources: AUTHOR };
  };
}

/** Several files behind each other, with a map for each: an index map. */
const sections: Build = (t) => {
  const folder = temporaryFolder(t);
  const modules: string[] = ['const modules = {};'];
  const maps: unknown[] = [];
  for (const name of ['first', 'second', 'main']) {
    const { code, map } = transformSync(readFileSync(join(AUTHOR, `${name}.ts`), 'utf8'), {
      loader: 'ts',
      format: 'cjs',
      sourcefile: join(AUTHOR, `${name}.ts`),
      sourcemap: true,
      minify: true,
    });
    const before = `modules['./${name}.js'] = { exports: {} }; (function (module, require) {`;
    maps.push({ offset: { line: modules.length, column: before.length }, map: JSON.parse(map) });
    const rest = `})(modules['./${name}.js'], (name) => modules[name].exports);`;
    modules.push(before + code.trimEnd(), rest);
  }
  const program = join(folder, 'out.cjs');
  writeFileSync(program, `${modules.join('\n')}\n//# sourceMappingURL=out.cjs.map\n`);
  writeFileSync(`${program}.map`, JSON.stringify({ version: 3, sections: maps }));
  return { program, sources: AUTHOR };
};

/** JavaScript with maps of its own stands between the author's files and a bundler that knows no types. */
const withRollup: Build = async (t) => {
  const folder = temporaryFolder(t);
  const bundle = await rollup({
    input: main,
    plugins: [
      {
        name: 'types',
        resolveId: (id, from) => (from ? join(AUTHOR, id.replace(/\.js$/, '.ts')) : id),
        transform: (code, id) => {
          const made = transformSync(code, { loader: 'ts', sourcefile: id, sourcemap: true });
          return { code: made.code, map: made.map };
        },
      },
    ],
  });
  const program = join(folder, 'out.cjs');
  await bundle.write({ file: program, format: 'cjs', sourcemap: true });
  await bundle.close();
  return { program, sources: AUTHOR };
};

function withWebpack(devtool: string, mode: 'production' | 'development'): Build {
  return async (t) => {
    // Of its own: webpack's sources do not say where the project is, so it is looked for around the bundle and the program.
    const project = temporaryFolder(t);
    const sources = join(project, 'src');
    cpSync(AUTHOR, sources, { recursive: true });
    const loader = join(project, 'types.cjs');
    writeFileSync(
      loader,
      `const { transformSync } = require(${JSON.stringify(join(ROOT, 'node_modules', 'esbuild'))});
module.exports = function (code) {
  const made = transformSync(code, { loader: 'ts', sourcefile: this.resourcePath, sourcemap: true });
  this.callback(null, made.code, JSON.parse(made.map));
};`,
    );
    const compiler = webpack({
      mode,
      devtool,
      target: 'node',
      context: project,
      entry: './src/main.ts',
      output: { path: join(project, 'dist'), filename: 'out.cjs' },
      resolve: { extensionAlias: { '.js': ['.ts'] } },
      module: { rules: [{ test: /\.ts$/, use: loader }] },
    });
    await new Promise<void>((resolve, reject) => {
      compiler.run((error, stats) => {
        if (error || stats?.hasErrors()) reject(error ?? new Error(stats?.toString()));
        else compiler.close(() => resolve());
      });
    });
    return { program: join(project, 'dist', 'out.cjs'), sources, cwd: project };
  };
}

/** The author's files with names of modules that can be found without a compiler that knows better. */
function withTypeScriptNames(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  for (const file of readdirSync(AUTHOR)) {
    const text = readFileSync(join(AUTHOR, file), 'utf8').replaceAll(".js';", ".ts';");
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

/** As `@swc-node/register` does it. */
const withSwc: Build = (t) => {
  const sources = withTypeScriptNames(t);
  const hook = join(temporaryFolder(t), 'swc.cjs');
  writeFileSync(
    hook,
    `const { transformFileSync } = require(${JSON.stringify(join(ROOT, 'node_modules', '@swc', 'core'))});
require.extensions['.ts'] = (module, filename) => {
  const { code } = transformFileSync(filename, {
    filename,
    sourceMaps: 'inline',
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
    swcrc: false,
  });
  module._compile(code, filename);
};`,
  );
  return { program: join(sources, 'main.ts'), sources, flags: ['--require', hook] };
};

const withTsNode: Build = (t) => {
  const sources = withTypeScriptNames(t);
  return {
    program: join(sources, 'main.ts'),
    sources,
    flags: ['--require', join(ROOT, 'node_modules', 'ts-node', 'register', 'transpile-only.js')],
    env: {
      // It calls the compiler as a library, which TypeScript 7 is none of.
      TS_NODE_COMPILER: join(ROOT, 'node_modules', 'typescript5'),
      TS_NODE_COMPILER_OPTIONS: '{"module":"commonjs","moduleResolution":"node","target":"es2022"}',
    },
  };
};

/** As loaders do it that compile by themselves, such as those of test runners, under a path cut out of a URL. */
const underPartOfUrl: Build = async (t) => {
  const built = await esbuild({ minify: true, sourcemap: true }, temporaryFolder)(t);
  const program = join(temporaryFolder(t), 'loader.cjs');
  writeFileSync(
    program,
    `const path = ('file://' + ${JSON.stringify(built.program)}).slice(7);
new module.constructor(path)._compile(require('node:fs').readFileSync(path, 'utf8'), path);`,
  );
  return { ...built, program };
};

/** Node.js itself takes the types away, and leaves every other sign in its place. */
const stripped: Build = (t) => {
  const sources = withTypeScriptNames(t);
  writeFileSync(join(sources, 'package.json'), '{"type":"module"}');
  return { program: join(sources, 'main.ts'), sources };
};

/** Node.js itself makes JavaScript of types that leave something to run, and a map in the text. */
const transformed: Build = async (t) => ({
  ...(await stripped(t)),
  flags: ['--experimental-transform-types', '--no-warnings'],
});

/** Node.js reads the maps too, and so changes the stacks of errors. */
const withNodesOwnMaps: Build = async (t) => {
  const built = await tsc('--sourceMap')(t);
  return { ...built, flags: ['--enable-source-maps'] };
};

/** Ways from the author's files to what Node.js runs. */
const BUILDS: Record<string, Build> = {
  'esbuild, minified': esbuild({ minify: true, sourcemap: true }, temporaryFolder),
  'esbuild, minified, map in the text': esbuild({ minify: true, sourcemap: 'inline' }, temporaryFolder),
  'esbuild, map not named': esbuild({ minify: true, sourcemap: 'external' }, temporaryFolder),
  'esbuild, names changed to tell them apart': esbuild({ sourcemap: true }, temporaryFolder),
  'a module in a folder with signs in its name': esbuild(
    { minify: true, sourcemap: true, format: 'esm' },
    hardFolder,
  ),
  tsc: tsc('--sourceMap'),
  'tsc, map in the text': tsc('--inlineSourceMap'),
  'an index map': sections,
  rollup: withRollup,
  webpack: withWebpack('source-map', 'production'),
  'webpack, evaluated modules': withWebpack('eval-source-map', 'development'),
  'tsc, and Node.js reads the maps too': withNodesOwnMaps,
  'a loader of its own, which has the path from a URL': underPartOfUrl,
  'ts-node': withTsNode,
  swc: withSwc,
  tsx: () => ({
    program: main,
    sources: AUTHOR,
    flags: ['--import', join(ROOT, 'node_modules', 'tsx', 'dist', 'loader.mjs')],
  }),
};

/** All of them, with what they need. */
export const WAYS: Record<string, Way> = {
  ...Object.fromEntries(Object.entries(BUILDS).map(([title, build]) => [title, { build }])),
  'types that Node.js strips': { build: stripped, since: 22 },
  'types that Node.js transforms': { build: transformed, since: 22, until: 24 },
};
