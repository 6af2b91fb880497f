import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CodeProvenance, type ProvenanceEntry } from '#src/provenance/code-provenance.js';
import { sampledFiles } from '#src/provenance/sampled-files.js';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { readProfile } from '../support/pprof.js';
import { everflame } from '../support/spawn.js';
import { originOf } from './support/entries.js';
import { layOut } from './support/tree.js';

const WORK = `${BURN}module.exports = () => burn(60);`;
/** Files that name no place. */
const NOWHERE = /^$|^\(eval\)$|^evalmachine\./;

/** A program with packages in all usual places, each of which works long enough to be seen. */
function program(t: ExecutionContext): string {
  const folder = temporaryFolder(t);
  const store = 'node_modules/.pnpm/stored@3.0.0/node_modules/stored';
  layOut(folder, {
    '': { name: 'shop', version: '1.4.2', type: 'module' },
    'node_modules/plain/': { name: 'plain', version: '1.0.0' },
    'node_modules/plain/index.js': `const inner = require('inner'); ${BURN} module.exports = () => { burn(60); inner(); };`,
    'node_modules/plain/node_modules/inner/': { name: 'inner', version: '2.0.0' },
    'node_modules/plain/node_modules/inner/index.js': WORK,
    'node_modules/plain-more/': { name: 'plain-more', version: '1.1.0' },
    'node_modules/plain-more/index.js': WORK,
    'node_modules/@acme/scoped/': { name: '@acme/scoped', version: '4.0.0' },
    'node_modules/@acme/scoped/index.js': WORK,
    [`${store}/`]: { name: 'stored', version: '3.0.0' },
    [`${store}/index.js`]: WORK,
    'node_modules/stored': { link: '.pnpm/stored@3.0.0/node_modules/stored' },
    'packages/core/': { name: 'core', version: '0.1.0' },
    'packages/core/index.js': WORK,
    'node_modules/core': { link: '../packages/core' },
    'src/work.cjs': WORK,
    'main.js': `import { createRequire } from 'node:module';
      import { gzipSync } from 'node:zlib';
      const require = createRequire(import.meta.url);
      ${BURN}
      burn(60);
      for (const name of ['plain', 'plain-more', '@acme/scoped', 'stored', 'core', './src/work.cjs']) require(name)();
      for (let i = 0; i < 20; i++) gzipSync(Buffer.alloc(1 << 19, Math.random() + ''));
      (0, eval)(${JSON.stringify(`${BURN} burn(60);`)});`,
  });
  return folder;
}

/** What the file of each frame must be of. */
function expected(folder: string, entries: ProvenanceEntry[]): (file: string, module: string) => string {
  const own: [beginning: string, origin: string][] = [
    ['node_modules/plain/node_modules/inner/', 'library inner@2.0.0'],
    ['node_modules/plain/', 'library plain@1.0.0'],
    ['node_modules/plain-more/', 'library plain-more@1.1.0'],
    ['node_modules/@acme/scoped/', 'library @acme/scoped@4.0.0'],
    ['node_modules/.pnpm/stored@3.0.0/', 'library stored@3.0.0'],
    ['packages/core/', 'own core@0.1.0'],
    ['', 'own shop@1.4.2'],
  ];
  const profiler = entries.find(({ name }) => name === 'everflame');
  return (file, module) => {
    if (file.startsWith('node:') || module === process.execPath)
      return `standard library node@${process.versions.node}`;
    const found = own.find(([beginning]) => file.startsWith(join(folder, beginning)));
    if (found) return found[1];
    if (file.startsWith(process.cwd())) return `library everflame@${profiler?.version}`;
    return module === '' ? 'none' : 'library native@';
  };
}

for (const engine of ['auto', 'inspector']) {
  test(`each file in a profile has exactly one entry, and the right one (engine ${engine})`, async (t) => {
    const folder = program(t);
    const output = temporaryFolder(t);
    const { code, stderr } = await everflame(['run', '--output', output, '--', process.execPath, 'main.js'], {
      cwd: folder,
      env: { EVERFLAME_ENGINE: engine },
    });
    t.is(code, 0, stderr);
    const [path = ''] = profilesIn(output);
    const provenance = new CodeProvenance({ nodePath: process.execPath });
    provenance.add(sampledFiles(readFileSync(path)));
    const entries = provenance.entries();
    const right = expected(folder, entries);
    const seen = new Set<string>();
    for (const { file, module } of readProfile(path).samples.flatMap(({ frames }) => frames)) {
      const origin = originOf(file, entries);
      t.is(origin, NOWHERE.test(file) ? 'none' : right(file, module), `${file} ${module}`);
      seen.add(origin);
    }
    const all = ['inner@2.0.0', 'plain@1.0.0', 'plain-more@1.1.0', '@acme/scoped@4.0.0', 'stored@3.0.0'];
    const missing = [...all.map((name) => `library ${name}`), 'own core@0.1.0', 'own shop@1.4.2'].filter(
      (origin) => !seen.has(origin),
    );
    t.deepEqual(missing, []);
    t.true(seen.has(`standard library node@${process.versions.node}`));
  });
}
