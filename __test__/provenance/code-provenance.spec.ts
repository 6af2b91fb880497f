import { join } from 'node:path';
import test from 'ava';
import { CodeProvenance } from '#src/provenance/code-provenance.js';
import { type Disk, disk } from '#src/provenance/package-finder.js';
import { temporaryFolder } from '../support/folder.js';
import { entriesFor, originOf } from './support/entries.js';
import { layOut } from './support/tree.js';

/** The disk, with every question that it was asked. */
function watchedDisk(): { disk: Disk; questions: string[] } {
  const questions: string[] = [];
  const watched: Disk = {
    manifest(folder) {
      questions.push(`manifest ${folder}`);
      return disk.manifest(folder);
    },
    realPath(folder) {
      questions.push(`real path ${folder}`);
      return disk.realPath(folder);
    },
  };
  return { disk: watched, questions };
}

test('nothing is asked of the disk twice', (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, {
    '': { name: 'shop' },
    'node_modules/a/': { name: 'a', version: '1' },
    'node_modules/b/': { name: 'b', version: '1' },
  });
  const { disk, questions } = watchedDisk();
  const provenance = new CodeProvenance({ disk });
  const first = [
    'src/a.js',
    'src/b/c/d.js',
    'src/b/e.js',
    'node_modules/a/i.js',
    'node_modules/a/lib/deep/j.js',
  ];
  const second = [...first, 'src/new.js', 'src/b/c/f.js', 'node_modules/a/lib/k.js', 'node_modules/b/i.js'];
  provenance.add({ sources: first.map((file) => join(folder, file)), modules: [] });
  const before = questions.length;
  provenance.add({ sources: second.map((file) => join(folder, file)), modules: [] });
  provenance.json();
  t.deepEqual(questions, [...new Set(questions)]);
  // The new package alone: its package.json and whether it is a link.
  t.deepEqual(questions.slice(before), [
    `manifest ${join(folder, 'node_modules/b/')}`,
    `real path ${join(folder, 'node_modules/b/')}`,
  ]);
});

test('what is added later refines the paths, and files without news leave the text as it is', (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, {
    '': { name: 'shop', version: '1.4.2' },
    'node_modules/a/': { name: 'a', version: '1.0.0' },
  });
  const [own = '', other = '', dependency = ''] = ['src/a.js', 'b.js', 'node_modules/a/i.js'].map((file) =>
    join(folder, file),
  );
  const provenance = new CodeProvenance();
  provenance.add({ sources: [own, other], modules: [] });
  const paths = (): string[] | undefined => provenance.entries().find(({ name }) => name === 'shop')?.paths;
  t.deepEqual(paths(), [join(folder, '/')]);
  provenance.add({ sources: [dependency], modules: [] });
  t.deepEqual(paths(), [other, join(folder, 'src/')]);
  const { value } = provenance.json();
  provenance.add({ sources: [own, dependency], modules: [] });
  t.is(provenance.json().value, value);
  t.deepEqual(JSON.parse(value), { v1: provenance.entries() });
});

test("native code is Node.js's, of a package, or of the system", (t) => {
  const folder = temporaryFolder(t);
  layOut(folder, {
    '': { name: 'shop', version: '1.4.2' },
    'node_modules/sqlite/': { name: 'sqlite', version: '3.0.0' },
    'node_modules/@img/libvips/': { name: '@img/libvips', version: '1.0.0' },
  });
  const [addon = '', library = '', own = '', beside = ''] = [
    'node_modules/sqlite/build/Release/sqlite.node',
    'node_modules/@img/libvips/lib/libvips.so.42',
    'build/Release/fast.node',
    'lib/libssl.so.3',
  ].map((file) => join(folder, file));
  const modules = [addon, library, own, beside, '/usr/lib/libc.so.6', '/usr/lib/libnode.so.108', '[vdso]'];
  const provenance = new CodeProvenance({ nodePath: '/opt/node', nodeVersion: '20.0.0' });
  const sources = [...modules, '/opt/node', join(folder, 'lib/main.js'), join(folder, 'a.js')];
  provenance.add({ sources, modules: [...modules, '/opt/node'] });
  const entries = provenance.entries();
  t.is(originOf('/opt/node', entries), 'standard library node@20.0.0');
  t.is(originOf('/usr/lib/libnode.so.108', entries), 'standard library node@20.0.0');
  t.is(originOf(addon, entries), 'library sqlite@3.0.0');
  t.is(originOf(library, entries), 'library @img/libvips@1.0.0');
  t.is(originOf(own, entries), 'own shop@1.4.2');
  for (const file of [beside, '/usr/lib/libc.so.6', '[vdso]'])
    t.is(originOf(file, entries), 'library native@', file);
  t.is(originOf(join(folder, 'lib/main.js'), entries), 'own shop@1.4.2');
});

test("a binary whose name begins the name of a package's folder is left out", (t) => {
  const provenance = new CodeProvenance({ nodePath: '/app/node' });
  const file = '/app/node_modules/a/i.js';
  provenance.add({ sources: [file], modules: ['/app/node'] });
  const entries = provenance.entries();
  t.is(originOf(file, entries), 'library a@');
  t.is(originOf('node:fs', entries), `standard library node@${process.versions.node}`);
});

test('the profiler is a library, also where it runs from a checkout', (t) => {
  const [entry] = entriesFor([join(process.cwd(), 'dist/src/auto.js')]).slice(1);
  t.like(entry, { kind: 'library', name: 'everflame' });
});

test('memory has a bound, and one sentence tells what is missing', (t) => {
  const provenance = new CodeProvenance({ most: 100 });
  for (let turn = 0; turn < 50; turn++) {
    provenance.add({
      sources: Array.from({ length: 100 }, (_, n) => `/made/up/${turn}/${n}/node_modules/a/i.js`),
      modules: [],
    });
  }
  const { value, warnings } = provenance.json();
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /more than 100 file names.*DD_PROFILING_ENABLE_CODE_PROVENANCE/);
  t.true((JSON.parse(value) as { v1: { paths: string[] }[] }).v1.flatMap(({ paths }) => paths).length <= 100);
});

test('no file is ever of two entries, whatever its name', (t) => {
  let seed = 11;
  const pick = <Item>(items: readonly Item[]): Item => {
    seed = (seed * 48271) % 2147483647;
    return items[seed % items.length] as Item;
  };
  const parts = 'node_modules a a-b @s b.js src .pnpm a@1.0.0_b@2.0.0 __virtual__ 0 x.zip .. é'.split(' ');
  const beginnings = '/ /app/ file:///app/ webpack://x/./ C:\\app\\ ./ node: /app/node_modules/'.split(' ');
  const fileName = (): string => {
    const folders = Array.from({ length: pick([0, 1, 2, 3, 5, 8]) }, () => `${pick([...parts, ''])}/`);
    return pick(beginnings) + folders.join('') + pick(parts);
  };
  // Every other folder has a package.json, and some of those a name.
  const disk: Disk = {
    manifest(folder) {
      const kind = [...folder].reduce((sum, character) => sum + character.charCodeAt(0), 0) % 4;
      return kind < 2
        ? undefined
        : { isPackage: true, ...(kind === 2 ? { name: `p${folder.length}`, version: '1' } : {}) };
    },
    realPath: (folder) => (folder.length % 3 === 0 ? folder.replaceAll('node_modules', 'packages') : folder),
  };
  let known = 0;
  for (let turn = 0; turn < 200; turn++) {
    const provenance = new CodeProvenance({ disk, nodePath: '/app/a', mainPackage: 'a' });
    const files = Array.from({ length: 40 }, fileName);
    for (const sources of [files.slice(0, 20), files]) {
      provenance.add({ sources, modules: sources.slice(0, 5).filter((file) => !file.startsWith('node:')) });
      const entries = provenance.entries();
      for (const file of sources) {
        const origin = originOf(file, entries);
        t.notRegex(origin, /^ambiguous/, `${file}\n${JSON.stringify(entries, undefined, 1)}`);
        if (origin !== 'none') known++;
      }
    }
  }
  t.true(known > 1000, `${known}`);
});

test('five hundred packages take milliseconds, and a second profile of the same files hardly any', (t) => {
  const folder = temporaryFolder(t);
  const packages = Array.from({ length: 500 }, (_, index) => `package-${index}`);
  layOut(
    folder,
    Object.fromEntries(packages.map((name) => [`node_modules/${name}/`, { name, version: '1.0.0' }])),
  );
  const sources = packages.flatMap((name) =>
    ['index.js', 'lib/a.js', 'lib/b.js', 'lib/deep/c.js'].map((file) =>
      join(folder, 'node_modules', name, file),
    ),
  );
  const provenance = new CodeProvenance();
  const take = (): number => {
    const begin = performance.now();
    provenance.add({ sources, modules: [] });
    provenance.json();
    return performance.now() - begin;
  };
  const [first, second] = [take(), take()];
  t.log(`500 packages, 2000 files: ${first.toFixed(1)} ms, then ${second.toFixed(2)} ms`);
  t.is(provenance.entries().length, 501);
  // Far above what they take, and far below what a look at all files would.
  t.true(first < 2000, `${first}`);
  t.true(second < 200, `${second}`);
});
