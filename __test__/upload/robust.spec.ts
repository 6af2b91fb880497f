/** What goes wrong within delivery is no trouble of the program. */
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { timeOf } from '#src/upload/pprof-time.js';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, total } from '../support/pprof.js';
import { AUTO, run, start } from '../support/spawn.js';
import { spooled, startAgent } from './support/agent.js';

for (const { major, path } of testNodes()) {
  test.serial(
    `Node.js ${major}: a program may start others with anything that Node.js takes for arguments`,
    async (t) => {
      const agent = await startAgent(t);
      const script = `const { spawn } = require('node:child_process');
      spawn('sh', ['-c', 'exit 0', 7]).on('exit', (code) => console.log('shell', code));
      spawn('sleep', [0]).on('exit', (code) => console.log('sleep', code));
      ${BURN} burn(50);`;
      const ended = await run(path, ['--require', AUTO, '-e', script], { env: agent.env });
      t.deepEqual([ended.code, ended.stderr], [0, '']);
      t.deepEqual(ended.stdout.trim().split('\n').sort(), ['shell 0', 'sleep 0']);
    },
  );

  test.serial(
    `Node.js ${major}: where neither a thread nor its stand-in can begin, the program runs on`,
    async (t) => {
      const agent = await startAgent(t);
      // As where the package is replaced on the disk while profiling is off.
      const script = `const Module = require('node:module');
      const load = Module._load;
      Module._load = function (name, ...rest) {
        if (name === './station') throw new Error('it is gone');
        return load.call(this, name, ...rest);
      };
      const { prototype } = require('node:worker_threads').Worker;
      const { unref } = prototype;
      prototype.unref = function () {
        unref.call(this);
        throw new Error('no thread');
      };
      ${BURN} burn(100); setTimeout(() => console.log('ran on'), 100);`;
      const ended = await run(path, ['--require', AUTO, '-e', script], { env: agent.env });
      t.deepEqual([ended.code, ended.stdout], [0, 'ran on\n'], ended.stderr);
      const lines = ended.stderr.split('\n').filter((line) => line !== '');
      t.is(lines.length, 2, ended.stderr);
      t.regex(lines[1] ?? '', /^everflame: error: uploads cannot be made: it is gone\..*stay in the spool/);
      t.is(spooled(agent.spool).length, 1, 'the last profile waits');
    },
  );

  test.serial(
    `Node.js ${major}: a profile that a receiver has and that is not in its file yet is not forgotten`,
    async (t) => {
      const agent = await startAgent(t);
      const folder = temporaryFolder(t);
      // The event loop stops as soon as the upload has arrived, before the file can be written.
      const script = `${BURN} burn(100);
      const profiler = globalThis[Symbol.for('everflame.running')];
      profiler.flush();
      setImmediate(function look() {
        if (profiler.metrics().uploads.uploads_delivered === 0) { setImmediate(look); return; }
        require('node:fs').writeSync(1, 'ready\\n');
        for (;;) burn(10);
      });`;
      const env = {
        ...agent.env,
        EVERFLAME_EXPORTERS: 'datadog,file',
        DD_PROFILING_OUTPUT_PPROF: `${folder}/p`,
      };
      const program = start(path, ['--require', AUTO, '-e', script], { env });
      await program.said('ready');
      program.child.kill('SIGTERM');
      const ended = await program.ended;
      t.is(ended.signal, 'SIGTERM', ended.stderr);
      t.deepEqual(agent.receiver.violations, []);
      const sent = agent.receiver.received.reduce(
        (sum, { profiles }) => sum + Number(profiles.get('wall.pprof')?.totals.get('cpu')),
        0,
      );
      const kept = total(profilesIn(folder).map(readProfile), 'cpu');
      t.is(kept, sent, 'each profile has its file');
    },
  );
}

test('a profile of more records than a command reads is none the worse for that', (t) => {
  const record = Buffer.from([0x12, 0x00]);
  const time = Buffer.from([0x48, 0x07, 0x50, 0x05]);
  const data = gzipSync(Buffer.concat([...Array.from({ length: 1_000_001 }, () => record), time]), {
    level: 1,
  });
  t.deepEqual(timeOf(data), { start: 7n, end: 12n });
});
