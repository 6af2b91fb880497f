/** Folders whose names are not UTF-8: Node.js shows U+FFFD for such bytes, and finds no folder of the name that it shows. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, CLI, type Ended, run } from '../support/spawn.js';
import { startAgent } from '../upload/support/agent.js';

/** As the shell writes it. */
const NAME = "$(printf 'a\\377b')";
const NOT_UTF8 = 'the name of the working directory is not UTF-8, so that Node.js cannot tell where it is';

interface Place {
  /** Of the folder whose name is not UTF-8, which nobody here can name. */
  parent: string;
  temporary: string;
  /** Runs a command in it. */
  runIn(words: string[], env?: Record<string, string>): Promise<Ended>;
  /** What is in the folder above, and in the folder itself. */
  content(): [above: number, within: string[]];
}

function placeOfBytes(t: ExecutionContext): Place {
  const [parent, temporary] = [temporaryFolder(t), temporaryFolder(t)];
  const folder = Buffer.concat([Buffer.from(join(parent, 'a')), Buffer.from([0xff]), Buffer.from('b')]);
  mkdirSync(folder);
  writeFileSync(Buffer.concat([folder, Buffer.from('/package.json')]), '{"name":"of-bytes"}');
  writeFileSync(Buffer.concat([folder, Buffer.from('/main.js')]), '');
  return {
    parent,
    temporary,
    runIn: (words, env = {}) =>
      run('sh', ['-c', `cd ${NAME} && exec "$@"`, 'sh', ...words], {
        cwd: parent,
        env: { TMPDIR: temporary, ...env },
      }),
    content: () => [readdirSync(parent).length, readdirSync(folder).sort()],
  };
}

const UNTOUCHED = [1, ['main.js', 'package.json']];

for (const { major, path } of testNodes()) {
  const preloaded = [path, '--require', AUTO, '-e', '0'];

  test.serial(
    `Node.js ${major}: profiles of such a working directory go elsewhere, as one line says`,
    async (t) => {
      const { temporary, runIn, content } = placeOfBytes(t);
      const end = await runIn(preloaded, { EVERFLAME_EXPORTERS: 'local' });
      const folder = join(temporary, `everflame-${process.getuid?.()}`);
      const line = `${NOT_UTF8}: profiles that nobody names a place for go to ${folder}. Name another with DD_PROFILING_OUTPUT_PPROF=<prefix>, by its whole path.`;
      t.deepEqual([end.code, end.stderr], [0, `everflame: warn: ${line}\n`]);
      t.is(profilesIn(folder).length, 1);
      t.deepEqual(content(), UNTOUCHED);
    },
  );

  test.serial(
    `Node.js ${major}: an output that is relative to it is refused with what to write`,
    async (t) => {
      const { runIn, content, temporary } = placeOfBytes(t);
      const reason = `the output out is relative, and ${NOT_UTF8}. Name it by its whole path, from / on`;
      const end = await runIn(preloaded, { DD_PROFILING_OUTPUT_PPROF: 'out' });
      t.deepEqual(
        [end.code, end.stderr],
        [0, `everflame: error: ${reason}. The program runs without a profiler.\n`],
      );
      const ran = await runIn([path, CLI, 'run', '--output', 'out', path, '-e', '0']);
      t.is(ran.code, 0);
      t.true(
        ran.stderr.startsWith(`everflame: warn: cannot write profiles to out: ${reason}. The program runs`),
        ran.stderr,
      );
      t.deepEqual(content(), UNTOUCHED);
      const whole = await runIn(preloaded, { DD_PROFILING_OUTPUT_PPROF: join(temporary, 'p') });
      t.deepEqual([whole.code, whole.stderr, profilesIn(temporary).length], [0, '', 1]);
    },
  );

  test.serial(`Node.js ${major}: neither such a spool nor such a script keeps a profile back`, async (t) => {
    const { receiver, env } = await startAgent(t);
    const { parent, runIn, content } = placeOfBytes(t);
    const calm = await runIn(['sh', '-c', `EVERFLAME_SPOOL_DIR=${NAME} exec "$@"`, 'sh', ...preloaded], {
      ...env,
      EVERFLAME_SPOOL_DIR: '',
      DD_SERVICE: '',
    });
    t.is(calm.code, 0);
    t.true(
      calm.stderr.startsWith('everflame: warn: profiles that cannot be sent are not kept in a\ufffdb: '),
      calm.stderr,
    );
    t.regex(calm.stderr, /not UTF-8.*EVERFLAME_SPOOL_DIR=<dir>/);
    t.deepEqual(content(), UNTOUCHED);
    // Node.js itself does not find the script.
    const lost = await run('sh', ['-c', `exec "$@" ${NAME}/main.js`, 'sh', path, '--require', AUTO], {
      cwd: parent,
      env,
    });
    t.is(lost.code, 1);
    t.notRegex(lost.stderr, /everflame: /);
    t.is(receiver.received.length, 2);
    t.deepEqual(receiver.violations, []);
  });

  test.serial(`Node.js ${major}: an output and a spool with such names are told of`, async (t) => {
    const { env } = await startAgent(t);
    const folder = temporaryFolder(t);
    const inPlace = (variable: string, others: Record<string, string>) =>
      run('sh', ['-c', `${variable}=${folder}/${NAME}/p exec "$@"`, 'sh', ...preloaded], {
        env: { ...env, ...others, [variable]: '' },
      });
    const said = (variable: string): string =>
      `everflame: warn: a name in ${folder}/a\ufffdb/p is not UTF-8: Node.js makes another of it, and that is where files go. Name them a place in UTF-8 with ${variable}.\n`;
    const output = await inPlace('DD_PROFILING_OUTPUT_PPROF', { EVERFLAME_EXPORTERS: 'file' });
    t.deepEqual([output.code, output.stderr], [0, said('DD_PROFILING_OUTPUT_PPROF')]);
    t.is(profilesIn(join(folder, 'a\ufffdb')).length, 1);
    const spool = await inPlace('EVERFLAME_SPOOL_DIR', {});
    t.deepEqual([spool.code, spool.stderr], [0, said('EVERFLAME_SPOOL_DIR')]);
  });

  test.serial(`Node.js ${major}: a folder that has that sign in its name is one as any other`, async (t) => {
    const folder = join(temporaryFolder(t), 'a\ufffdb');
    mkdirSync(folder);
    const env = { EVERFLAME_EXPORTERS: 'local', DD_PROFILING_OUTPUT_PPROF: '' };
    const end = await run(path, ['--require', AUTO, '-e', '0'], { cwd: folder, env });
    t.deepEqual([end.code, end.stderr], [0, '']);
    t.is(profilesIn(join(folder, '.everflame')).length, 1);
    const named = { DD_PROFILING_OUTPUT_PPROF: 'out/' };
    const ran = await run(path, ['--require', AUTO, '-e', '0'], { cwd: folder, env: named });
    t.deepEqual([ran.code, ran.stderr, profilesIn(join(folder, 'out')).length], [0, '', 1]);
  });

  test.serial(`Node.js ${major}: everflame doctor says so`, async (t) => {
    const { runIn, content } = placeOfBytes(t);
    const end = await runIn([path, CLI, 'doctor'], { EVERFLAME_EXPORTERS: 'local' });
    t.is(end.code, 0, end.stdout);
    const said = end.stdout.replace(/\s+/g, ' ');
    t.regex(
      said,
      /WARN The name of the working directory is not UTF-8.* → Name a folder with DD_PROFILING_OUTPUT_PPROF/,
    );
    t.deepEqual(content(), UNTOUCHED);
  });
}
