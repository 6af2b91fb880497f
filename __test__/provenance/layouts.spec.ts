import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { ProvenanceOptions } from '#src/provenance/code-provenance.js';
import { temporaryFolder } from '../support/folder.js';
import { entriesFor, originOf, origins } from './support/entries.js';
import { layOut, type Node } from './support/tree.js';

/** Lays out packages, and checks that each file has the one entry that is said. Gives all entries. */
function check(
  t: ExecutionContext,
  nodes: Record<string, Node>,
  expected: Record<string, string>,
  options?: ProvenanceOptions,
) {
  const folder = temporaryFolder(t);
  layOut(folder, nodes);
  const inFolder = (file: string): string => (/^[\w-]+:/.test(file) ? file : join(folder, file));
  const wanted = Object.fromEntries(
    Object.entries(expected).map(([file, origin]) => [inFolder(file), origin]),
  );
  const files = Object.keys(wanted);
  const entries = entriesFor(files, options);
  t.deepEqual(origins(files, entries), wanted);
  return { folder, entries };
}

const SHOP: Record<string, Node> = { '': { name: 'shop', version: '1.4.2' } };

test('npm: scoped packages, nested ones and two versions of one are told apart', (t) => {
  const { folder, entries } = check(
    t,
    {
      ...SHOP,
      'node_modules/express/': { name: 'express', version: '5.2.1' },
      'node_modules/express-rate-limit/': { name: 'express-rate-limit', version: '7.0.0' },
      'node_modules/@fastify/error/': { name: '@fastify/error', version: '4.2.0' },
      'node_modules/ms/': { name: 'ms', version: '2.0.0' },
      'node_modules/send/': { name: 'send', version: '0.18.0' },
      'node_modules/send/node_modules/ms/': { name: 'ms', version: '2.1.3' },
      'node_modules/other/node_modules/ms/': { name: 'ms', version: '2.1.3' },
    },
    {
      'server.js': 'own shop@1.4.2',
      'src/routes/cart.js': 'own shop@1.4.2',
      'node_modules/express/lib/express.js': 'library express@5.2.1',
      'node_modules/express-rate-limit/dist/index.cjs': 'library express-rate-limit@7.0.0',
      'node_modules/@fastify/error/index.js': 'library @fastify/error@4.2.0',
      'node_modules/ms/index.js': 'library ms@2.0.0',
      // Nobody's package, and not one's own.
      'node_modules/file.js': 'none',
      'node_modules/send/index.js': 'library send@0.18.0',
      'node_modules/send/lib/deep/range.js': 'library send@0.18.0',
      'node_modules/send/node_modules/ms/index.js': 'library ms@2.1.3',
      'node_modules/other/node_modules/ms/index.js': 'library ms@2.1.3',
    },
  );
  const versions = entries.filter(({ name }) => name === 'ms');
  t.deepEqual(versions, [
    { kind: 'library', name: 'ms', version: '2.0.0', paths: [join(folder, 'node_modules/ms/')] },
    {
      kind: 'library',
      name: 'ms',
      version: '2.1.3',
      paths: ['other', 'send'].map((name) => join(folder, 'node_modules', name, 'node_modules/ms/')),
    },
  ]);
  const shop = entries.find(({ name }) => name === 'shop');
  t.deepEqual(shop?.paths, [join(folder, 'server.js'), join(folder, 'src/')]);
});

test('a package with a dependency inside keeps its own folders and files', (t) => {
  const { folder, entries } = check(
    t,
    {
      'node_modules/npm/': { name: 'npm', version: '10.0.0' },
      'node_modules/npm/node_modules/cacache/': { name: 'cacache', version: '18.0.0' },
    },
    {
      'node_modules/npm/index.js': 'library npm@10.0.0',
      'node_modules/npm/lib/cli/entry.js': 'library npm@10.0.0',
      'node_modules/npm/node_modules/cacache/lib/get.js': 'library cacache@18.0.0',
    },
  );
  const npm = entries.find(({ name }) => name === 'npm');
  t.deepEqual(npm?.paths, [join(folder, 'node_modules/npm/index.js'), join(folder, 'node_modules/npm/lib/')]);
});

test('pnpm: real paths in its store, links to them, and peers in the folder name', (t) => {
  check(
    t,
    {
      ...SHOP,
      'node_modules/.pnpm/debug@2.6.9/node_modules/debug/': { name: 'debug', version: '2.6.9' },
      'node_modules/.pnpm/ms@2.0.0/node_modules/ms/': { name: 'ms', version: '2.0.0' },
      'node_modules/.pnpm/debug@2.6.9/node_modules/ms': { link: '../../ms@2.0.0/node_modules/ms' },
      'node_modules/debug': { link: '.pnpm/debug@2.6.9/node_modules/debug' },
      'node_modules/.pnpm/@acme+ui@3.0.0_react@18.2.0/node_modules/@acme/ui/': {
        name: '@acme/ui',
        version: '3.0.0',
      },
    },
    {
      'main.js': 'own shop@1.4.2',
      'node_modules/.pnpm/debug@2.6.9/node_modules/debug/src/index.js': 'library debug@2.6.9',
      'node_modules/.pnpm/ms@2.0.0/node_modules/ms/index.js': 'library ms@2.0.0',
      // With --preserve-symlinks the link's name is what a profile has.
      'node_modules/.pnpm/debug@2.6.9/node_modules/ms/index.js': 'library ms@2.0.0',
      'node_modules/debug/src/node.js': 'library debug@2.6.9',
      'node_modules/.pnpm/@acme+ui@3.0.0_react@18.2.0/node_modules/@acme/ui/dist/a.js':
        'library @acme/ui@3.0.0',
      // Not readable any more: the folder's name has the version.
      'node_modules/.pnpm/@acme+gone@1.2.3-rc.1_a@2.0.0/node_modules/@acme/gone/i.js':
        'library @acme/gone@1.2.3-rc.1',
      'node_modules/.pnpm/gone@4.5.6(peer@7.0.0)/node_modules/gone/i.js': 'library gone@4.5.6',
    },
  );
});

test('Yarn without node_modules: archives, virtual paths and unplugged packages', (t) => {
  const cache = '.yarn/cache';
  check(
    t,
    {
      ...SHOP,
      'packages/core/': { name: 'core', version: '0.1.0' },
      '.yarn/unplugged/better-sqlite3-npm-11.0.0-0123456789/node_modules/better-sqlite3/': {
        name: 'better-sqlite3',
        version: '11.0.0',
      },
      [`${cache}/ms-npm-2.1.3-81ff3cfac1-d924b57e73.zip`]: 'an archive, which nothing opens',
    },
    {
      'packages/core/src/i.js': 'own core@0.1.0',
      '.pnp.cjs': 'own shop@1.4.2',
      '.yarn/__virtual__/core-virtual-5c80a0cde6/1/packages/core/src/i.js': 'own core@0.1.0',
      [`${cache}/ms-npm-2.1.3-81ff3cfac1-d924b57e73.zip/node_modules/ms/index.js`]: 'library ms@2.1.3',
      [`${cache}/is-npm-npm-5.0.0-2ec7f4aa4f-10c0.zip/node_modules/is-npm/index.js`]: 'library is-npm@5.0.0',
      [`${cache}/@acme-ui-npm-1.0.0-beta.2-7cad05c55e-33b6fb1d08.zip/node_modules/@acme/ui/i.js`]:
        'library @acme/ui@1.0.0-beta.2',
      '.yarn/__virtual__/debug-virtual-cde84238ac/0/cache/debug-npm-2.6.9-7d4cb597dc-121908fb83.zip/node_modules/debug/src/index.js':
        'library debug@2.6.9',
      '.yarn/$$virtual/old-virtual-cde84238ac/0/cache/old-npm-1.0.0-7d4cb597dc-121908fb83.zip/node_modules/old/i.js':
        'library old@1.0.0',
      '.yarn/unplugged/better-sqlite3-npm-11.0.0-0123456789/node_modules/better-sqlite3/lib/index.js':
        'library better-sqlite3@11.0.0',
      '.yarn/__virtual__/better-sqlite3-virtual-0123456789/0/unplugged/better-sqlite3-npm-11.0.0-0123456789/node_modules/better-sqlite3/lib/d.js':
        'library better-sqlite3@11.0.0',
      // A patched package's archive does not tell the version.
      [`${cache}/typescript-patch-6fda4d02cf-8a6e4c3b2d.zip/node_modules/typescript/lib/tsc.js`]:
        'library typescript@',
    },
  );
});

test("Yarn's linker of links: packages in node_modules/.store", (t) => {
  check(
    t,
    {
      'node_modules/.store/ms-npm-2.0.0-9e1101a471/package/': { name: 'ms', version: '2.0.0' },
      'node_modules/.store/ms-npm-2.1.3-81ff3cfac1/package/': { name: 'ms', version: '2.1.3' },
      'node_modules/.store/ms-npm-2.1.3-81ff3cfac1/package/esm/': { type: 'module' },
      'node_modules/ms': { link: '.store/ms-npm-2.0.0-9e1101a471/package' },
    },
    {
      'node_modules/.store/ms-npm-2.0.0-9e1101a471/package/index.js': 'library ms@2.0.0',
      'node_modules/.store/ms-npm-2.1.3-81ff3cfac1/package/esm/index.js': 'library ms@2.1.3',
      'node_modules/ms/index.js': 'library ms@2.0.0',
    },
  );
});

test("generated code in a tool's own folder of node_modules is of the package it says it is, or the tool's", (t) => {
  check(
    t,
    {
      'node_modules/.prisma/client/': { name: '.prisma/client', main: 'index.js' },
      'node_modules/.vite/deps/': { type: 'module' },
    },
    {
      'node_modules/.prisma/client/runtime/library.js': 'library .prisma/client@',
      'node_modules/.vite/deps/vue.js': 'library .vite@',
    },
  );
});

test("a package of the workspace is the user's own code, by its own path and by its link", (t) => {
  check(
    t,
    {
      ...SHOP,
      'packages/core/': { name: '@acme/core', version: '0.1.0' },
      'node_modules/@acme/core': { link: '../../packages/core' },
      'packages/api/': { name: 'api', version: '0.2.0' },
      'packages/api/node_modules/ms/': { name: 'ms', version: '2.1.3' },
    },
    {
      'server.js': 'own shop@1.4.2',
      'packages/core/src/i.js': 'own @acme/core@0.1.0',
      'node_modules/@acme/core/src/j.js': 'own @acme/core@0.1.0',
      'packages/api/src/k.js': 'own api@0.2.0',
      'packages/api/l.js': 'own api@0.2.0',
      'packages/api/node_modules/ms/index.js': 'library ms@2.1.3',
    },
  );
});

test('a package is a library also where node_modules itself is a link to elsewhere', (t) => {
  check(
    t,
    {
      'cache/modules/ms/': { name: 'ms', version: '2.1.3' },
      'app/': { name: 'shop', version: '1.4.2' },
      'app/node_modules': { link: '../cache/modules' },
    },
    { 'app/node_modules/ms/index.js': 'library ms@2.1.3', 'app/main.js': 'own shop@1.4.2' },
  );
});

test('a package.json that only says how modules are read is not the package', (t) => {
  check(
    t,
    {
      ...SHOP,
      'dist/esm/': { type: 'module' },
      'dist/cjs/': { type: 'commonjs', sideEffects: false },
      'node_modules/x/': { name: 'x', version: '1.0.0' },
      'node_modules/x/esm/': { type: 'module' },
      'node_modules/x/sub/': { name: 'x/sub', version: '9.9.9' },
    },
    {
      'dist/esm/a.js': 'own shop@1.4.2',
      'dist/cjs/a.js': 'own shop@1.4.2',
      'node_modules/x/esm/a.js': 'library x@1.0.0',
      'node_modules/x/sub/a.js': 'library x@1.0.0',
    },
  );
});

test('own code in a package without a name has the name of its folder', (t) => {
  check(
    t,
    { 'till/': { private: true, dependencies: {} }, 'till/dist/': { type: 'module' } },
    { 'till/dist/main.js': 'own till@' },
  );
});

test('a package under another name has its own name and version', (t) => {
  check(
    t,
    { 'node_modules/lodash-old/': { name: 'lodash', version: '3.10.1' } },
    { 'node_modules/lodash-old/index.js': 'library lodash@3.10.1' },
  );
});

test("DD_MAIN_PACKAGE makes a package in node_modules the user's own code", (t) => {
  check(
    t,
    {
      'node_modules/shop/': { name: 'shop', version: '1.0.0' },
      'node_modules/ms/': { name: 'ms', version: '2.0.0' },
    },
    { 'node_modules/shop/a.js': 'own shop@1.0.0', 'node_modules/ms/a.js': 'library ms@2.0.0' },
    { mainPackage: ' shop ' },
  );
});

test('a broken package.json leaves the name of its folder', (t) => {
  check(
    t,
    {
      'node_modules/marked/package.json': `\ufeff${JSON.stringify({ name: 'marked', version: '1.0.0' })}`,
      'node_modules/garbage/package.json': '{"name": "x", ',
      'node_modules/list/package.json': '["name"]',
      'node_modules/nothing/package.json': 'null',
      'node_modules/huge/package.json': JSON.stringify({
        name: 'x',
        version: '1',
        more: 'x'.repeat(2 ** 20),
      }),
      'node_modules/folder/package.json/file': '',
      'node_modules/types/package.json': '{"name": 7, "version": {"a": 1}}',
      'node_modules/proto/package.json':
        '{"__proto__": {"name": "evil"}, "name": "proto", "version": " 1.0.0 "}',
      'node_modules/loop/package.json': { link: 'package.json' },
      'node_modules/control/package.json': '{"name": "a\\nb\\ud800", "version": "1"}',
    },
    {
      'node_modules/marked/a.js': 'library marked@1.0.0',
      'node_modules/garbage/a.js': 'library garbage@',
      'node_modules/list/a.js': 'library list@',
      'node_modules/nothing/a.js': 'library nothing@',
      'node_modules/huge/a.js': 'library huge@',
      'node_modules/folder/a.js': 'library folder@',
      'node_modules/types/a.js': 'library types@',
      'node_modules/proto/a.js': 'library proto@1.0.0',
      'node_modules/loop/a.js': 'library loop@',
      'node_modules/missing/a.js': 'library missing@',
      'node_modules/control/a.js': 'library a_b\ufffd@1',
    },
  );
});

test('links that lead back to themselves end', (t) => {
  check(
    t,
    {
      'node_modules/a/': { name: 'a', version: '1.0.0' },
      'node_modules/a/node_modules/a': { link: '..' },
      'node_modules/self': { link: 'self' },
    },
    {
      'node_modules/a/i.js': 'library a@1.0.0',
      'node_modules/a/node_modules/a/node_modules/b/i.js': 'library b@',
      'node_modules/self/i.js': 'library self@',
    },
  );
});

test('files by their URL have paths as URLs', (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, {
    'a b/': { name: 'shop', version: '1.4.2' },
    'a b/node_modules/é/': { name: 'accent', version: '1.0.0' },
  });
  const files = ['a b/src/main.mjs', 'a b/node_modules/é/i.mjs'].map(
    (file) => pathToFileURL(join(folder, file)).href,
  );
  const entries = entriesFor(files);
  t.deepEqual(Object.values(origins(files, entries)), ['own shop@1.4.2', 'library accent@1.0.0']);
  t.true(entries.every(({ paths }) => paths.every((path) => /^(file:|node:)/.test(path))));
});

test("a bundler's names tell the package where they have node_modules in them", (t) => {
  const files = [
    'webpack://shop/./node_modules/express/lib/express.js',
    'webpack-internal:///./node_modules/@acme/ui/a.js',
    'webpack://shop/./node_modules/.pnpm/ms@2.1.3/node_modules/ms/index.js',
    '../node_modules/relative/a.js',
    'C:\\app\\node_modules\\@acme\\till\\lib\\a.js',
    'file:///C:/app/node_modules/slash/a.js',
  ];
  t.deepEqual(Object.values(origins(files, entriesFor(files))), [
    'library express@',
    'library @acme/ui@',
    'library ms@2.1.3',
    'library relative@',
    'library @acme/till@',
    'library slash@',
  ]);
});

test('Node.js has its own entry, and what names no place has none', (t) => {
  const nowhere = [
    '',
    '(eval)',
    '[eval]',
    'evalmachine.<anonymous>',
    '<native>',
    'data:text/javascript,import "/app/node_modules/x/i.js"',
    'wasm://wasm/1234',
    'webpack://shop/./src/cart.js',
    'src/relative.js',
    '/no/package/above.js',
    '/node_modules',
    '/node_modules/file.js',
    '/a/node_modules/@scope/file.js',
    `/node_modules/${'x'.repeat(5000)}/i.js`,
    '/\0/node_modules/../..//',
  ];
  const inNode = ['node:fs', 'node:internal/modules/cjs/loader'];
  const entries = entriesFor([...nowhere, ...inNode], { nodeVersion: '24.21.0' });
  t.deepEqual(entries, [{ kind: 'standard library', name: 'node', version: '24.21.0', paths: ['node:'] }]);
  for (const file of nowhere) t.is(originOf(file, entries), 'none', file);
  for (const file of inNode) t.is(originOf(file, entries), 'standard library node@24.21.0', file);
});
