import { join } from 'node:path';
import test from 'ava';
import type { Frame } from '#src/profile/model.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile } from '../support/pprof.js';
import { AUTO, ROOT, run, start } from '../support/spawn.js';

const EXAMPLE = join(ROOT, 'examples', 'getting-started');
const LOAD_SECONDS = 6;
/** Work on the main thread, in the worker, in libuv's pool, and in the pool of the native addon. */
const EXPECTED = ['findAuthor', 'countSales', 'PBKDF2', 'argon2'];

for (const node of testNodes()) {
  test.serial(
    `Node.js ${node.major}: the example service under load has a name for every frame`,
    async (t) => {
      const folder = temporaryFolder(t);
      const service = start(node.path, ['--require', AUTO, 'server.mjs'], {
        cwd: EXAMPLE,
        env: { PORT: '0', DD_PROFILING_OUTPUT_PPROF: join(folder, 'service') },
        timeout: 60_000,
      });
      t.teardown(() => service.child.kill('SIGKILL'));
      const url = /listening on (\S+)/.exec(await service.said('listening on '))?.[1] ?? '';
      // The driver shares nothing with the service, so one Node.js serves for all.
      const load = await run(process.execPath, ['load.mjs', '--url', url, '--seconds', `${LOAD_SECONDS}`], {
        cwd: EXAMPLE,
      });
      t.deepEqual([load.code, load.stderr], [0, '']);
      service.child.kill('SIGTERM');
      const end = await service.ended;
      t.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
      const frames = profilesIn(folder).flatMap((path) =>
        readProfile(path).samples.flatMap(({ frames }) => frames),
      );
      const nameless = frames.filter(({ name }) => name === '' || name === '[unknown]').length;
      t.log(`${nameless} of ${frames.length} frames without a name; ${load.stdout.trim()}`);
      // Otherwise nothing was put to the test.
      t.true(frames.length > 10_000, `${frames.length} frames`);
      t.true(nameless / frames.length < 0.005, `${nameless} of ${frames.length}`);
      for (const name of EXPECTED)
        t.true(
          frames.some((frame) => frame.name.includes(name)),
          name,
        );
      const own = frames.filter(({ file }) => file.includes(EXAMPLE));
      t.true(own.length > 0 && own.every(hasLines), 'functions of the service have their lines');
    },
  );
}

function hasLines({ line, startLine }: Frame): boolean {
  return line > 0 && startLine > 0 && line >= startLine;
}
