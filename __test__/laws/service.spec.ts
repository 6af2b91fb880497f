import { join } from 'node:path';
import test from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { isNameless } from '../support/nameless.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, total } from '../support/pprof.js';
import { ROOT, run, start } from '../support/spawn.js';
import { type RawFrame, rawFrames } from './support/raw-profile.js';

const EXAMPLE = join(ROOT, 'examples', 'getting-started');
const USAGE = join(ROOT, '__test__', 'workloads', 'laws', 'with-usage.cjs');
const LOAD_SECONDS = 6;

/**
 * Requests after the load, one at a time: each kind of work gets some tenths of a second of CPU time, so that its absence
 * from the profile is no accident.
 */
const ASKED: [path: string, body: object, times: number][] = [
  ['/api/reports', {}, 300],
  ['/api/vouchers', { cents: 1000 }, 40],
  ['/api/sign-in', { email: 'ana@example.org', password: 'correct horse battery' }, 100],
];

/** Work on the main thread, in the worker, in libuv's pool, and in the native addon there. */
const EXPECTED: Record<string, (frame: RawFrame) => boolean> = {
  findAuthor: ({ name, thread }) => name === 'findAuthor' && thread === 'Main Event Loop',
  buildReport: ({ name, thread }) => name === 'buildReport' && thread === 'Worker #1 Event Loop',
  PBKDF2: ({ name, thread }) => name.includes('PBKDF2Traits') && thread === 'libuv-worker',
  scrypt: ({ name, thread }) => name.includes('ScryptTraits') && thread === 'libuv-worker',
  argon2: ({ module, thread }) => /argon2[^/]*\.node$/.test(module) && thread === 'libuv-worker',
};

for (const node of testNodes()) {
  test.serial(
    `Node.js ${node.major}: the example service under load, every frame and all CPU time`,
    async (t) => {
      const folder = temporaryFolder(t);
      const service = start(node.path, ['--require', USAGE, 'server.mjs'], {
        cwd: EXAMPLE,
        env: { PORT: '0', DD_PROFILING_OUTPUT_PPROF: join(folder, 'service') },
        timeout: 110_000,
      });
      t.teardown(() => service.child.kill('SIGKILL'));
      const url = /listening on (\S+)/.exec(await service.said('listening on '))?.[1] ?? '';
      // The driver shares nothing with the service, so one Node.js serves for all.
      const load = await run(process.execPath, ['load.mjs', '--url', url, '--seconds', `${LOAD_SECONDS}`], {
        cwd: EXAMPLE,
      });
      t.deepEqual([load.code, load.stderr], [0, '']);
      for (const [path, body, times] of ASKED) {
        for (let asked = 0; asked < times; asked++) t.true((await post(url + path, body)).ok, path);
      }
      service.child.kill('SIGTERM');
      const end = await service.ended;
      t.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);

      const paths = profilesIn(folder);
      const { least, most } = JSON.parse(end.stdout.trimEnd().split('\n').at(-1) ?? '');
      const cpu = total(paths.map(readProfile), 'cpu');
      t.log(`cpu: profile ${ms(cpu)} ms, kernel ${ms(least)} to ${ms(most)} ms`);
      t.true(cpu >= least * 0.97 && cpu <= most * 1.03, `${cpu} is not within 3 % of ${least} to ${most}`);

      const frames = paths.flatMap(rawFrames);
      const nameless = frames.filter(({ name }) => isNameless(name)).length;
      t.log(`${nameless} of ${frames.length} frames without a name; ${load.stdout.trim()}`);
      // Otherwise nothing was put to the test.
      t.true(frames.length > 10_000, `${frames.length} frames`);
      t.true(nameless / frames.length < 0.005, `${nameless} of ${frames.length}`);
      for (const [what, matches] of Object.entries(EXPECTED)) t.true(frames.some(matches), what);

      const own = frames.filter(({ file }) => file.includes(EXAMPLE) && !file.includes('node_modules'));
      const lacking = own.filter(({ line, startLine }) => !(startLine > 0 && line >= startLine));
      t.true(own.length > 500, `${own.length} frames of the service's own functions`);
      t.deepEqual(lacking.slice(0, 3), [], 'an executing line and a start line');
    },
  );
}

function post(url: string, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

function ms(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(1);
}
