import test from 'ava';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, type Ended, run } from '../support/spawn.js';
import { cpuOf, spooled, startAgent } from './support/agent.js';

const BURNT_MILLISECONDS = 100;
const PATIENT = { EVERFLAME_EXIT_TIMEOUT: '20' };
const PEAK = "/VmPeak:\\s*(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1]";
/** Lives for some periods, and ends with a code of its own. */
const PROGRAM = `${BURN} burn(${BURNT_MILLISECONDS}); process.exitCode = 42; setTimeout(() => {}, 500);`;

for (const { major, path } of testNodes()) {
  /** Runs a program with so many mebibytes of addresses beyond those that it needs by itself. */
  const limited = async (
    mebibytes: number,
    env: Record<string, string>,
    program = PROGRAM,
  ): Promise<Ended> => {
    const peak = await run(path, ['-e', `${PROGRAM} console.log(${PEAK})`]);
    const kilobytes = Number(peak.stdout) + mebibytes * 1024;
    const words = [path, '--require', AUTO, '-e', program];
    return run('/bin/sh', ['-c', `ulimit -v ${kilobytes} && exec "$@"`, 'sh', ...words], { env });
  };

  test.serial(
    `Node.js ${major}: where the address space has no room for the thread, the program goes on and the next process sends`,
    async (t) => {
      const agent = await startAgent(t);
      const ended = await limited(512, { ...agent.env, ...PATIENT });
      t.deepEqual([ended.code, ended.signal, ended.stdout], [42, null, ''], ended.stderr);
      t.regex(
        ended.stderr,
        /^everflame: error: uploads cannot be made: the address space is limited \(ulimit -v\), and \d+ MiB are left of it; raise the limit so that it is 1536\. The program runs on, and its profiles stay in the spool\.\n$/,
      );
      t.is(agent.receiver.received.length, 0);
      t.is(spooled(agent.spool).length, 1);
      const next = await run(path, ['--require', AUTO, '-e', PROGRAM], { env: { ...agent.env, ...PATIENT } });
      t.deepEqual([next.code, next.stderr], [42, '']);
      const { received, violations } = agent.receiver;
      t.deepEqual(violations, []);
      t.deepEqual(
        received.map(({ tags }) => tags.get('process_id')).sort(),
        [String(ended.pid), String(next.pid)].sort(),
      );
      for (const upload of received) t.true(cpuOf(upload) >= BURNT_MILLISECONDS * 0.97);
      t.deepEqual(spooled(agent.spool), []);
    },
  );

  test.serial(
    `Node.js ${major}: where it has room for the thread and for nothing of ten gigabytes, uploads are sent`,
    async (t) => {
      const agent = await startAgent(t);
      const env = { ...agent.env, ...PATIENT, DD_PROFILING_UPLOAD_PERIOD: '0.2' };
      const ended = await limited(3072, env);
      t.deepEqual([ended.code, ended.signal, ended.stderr], [42, null, '']);
      const { received, violations } = agent.receiver;
      t.deepEqual(violations, []);
      t.deepEqual(
        received.map(({ tags }) => tags.get('process_id')),
        received.map(() => String(ended.pid)),
      );
      t.true(received.length > 1);
      t.true(received.reduce((sum, upload) => sum + cpuOf(upload), 0) >= BURNT_MILLISECONDS * 0.97);
      t.deepEqual(spooled(agent.spool), []);
    },
  );

  test.serial(
    `Node.js ${major}: in a working directory that is gone, one line names the folder, and the last profile waits`,
    async (t) => {
      const agent = await startAgent(t);
      const cwd = temporaryFolder(t);
      const program = `const { mkdirSync, rmdirSync } = require('node:fs');
        mkdirSync('gone'); process.chdir('gone'); rmdirSync('../gone'); ${PROGRAM}`;
      const ended = await run(path, ['--require', AUTO, '-e', program], {
        cwd,
        env: { ...agent.env, ...PATIENT },
      });
      t.deepEqual([ended.code, ended.signal], [42, null], ended.stderr);
      t.regex(
        ended.stderr,
        /^everflame: warn: uploads have no thread of their own \(.*uv_cwd\), so they are made on the main thread\. Start the program in a folder that stays\.\n$/,
      );
      t.is(agent.receiver.received.length + spooled(agent.spool).length, 1);
    },
  );
}
