import { hostname } from 'node:os';
import test from 'ava';
import { eventOf } from '#src/upload/event.js';
import { givenIdentity, givenUpload } from '../support/build-upload.js';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { AUTO, run, start } from '../support/spawn.js';
import { startAgent } from './support/agent.js';

test('an event tells whether a sampled script names a source map that is not there', (t) => {
  const told = (internal: Record<string, number>): unknown => {
    const { profiler } = eventOf(givenUpload([], { internal })).info as { profiler: Record<string, unknown> };
    return profiler.hasMissingSourceMaps;
  };
  t.is(told({}), false);
  t.is(told({ source_maps_missing: 0, source_maps_broken: 1 }), false);
  t.is(told({ source_maps_missing: 2 }), true);
});

test('the name of the host is in an event where it is reported, and nowhere else', (t) => {
  const platformOf = (host?: string): unknown => {
    const { host: _, ...identity } = givenIdentity();
    const event = eventOf(givenUpload([], { identity: { ...identity, ...(host && { host }) } }));
    return (event.info as { platform: unknown }).platform;
  };
  const kernel = { kernel_name: 'Linux', kernel_release: '6.8.0', kernel_version: '#1 SMP' };
  t.deepEqual(platformOf(), kernel);
  t.deepEqual(platformOf('web-1'), { hostname: 'web-1', ...kernel });
});

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: DD_TRACE_REPORT_HOSTNAME alone has the host named`, async (t) => {
    const { receiver, env } = await startAgent(t);
    for (const [index, report] of ['', 'false', 'true'].entries()) {
      const own = { ...env, DD_TRACE_REPORT_HOSTNAME: report };
      // Long enough for a sample: a period without one is not sent.
      const end = await run(path, ['--require', AUTO, '-e', `${BURN} burn(50);`], { env: own });
      t.deepEqual([end.code, end.stderr], [0, '']);
      const { event, tags } = receiver.received[index] ?? t.fail();
      const named = [tags.get('host'), event.info?.platform?.hostname];
      t.deepEqual(named, report === 'true' ? [hostname(), hostname()] : [undefined, undefined]);
      // No other field has it either.
      if (report !== 'true') t.false(JSON.stringify(event).includes(`"${hostname()}"`));
    }
    t.deepEqual(receiver.violations, []);
  });

  test.serial(`Node.js ${major}: a source map that is not there is told of`, async (t) => {
    const { receiver, env } = await startAgent(t);
    for (const [index, map] of ['', '//# sourceMappingURL=gone.js.map'].entries()) {
      const folder = temporaryFolder(t, {
        'program.cjs': `${BURN} burn(200); setTimeout(burn, 1000, 50);\n${map}\n`,
      });
      const end = await run(path, ['--require', AUTO, 'program.cjs'], { env, cwd: folder });
      t.deepEqual([end.code, end.stderr], [0, '']);
      t.is(receiver.received[index]?.event.info?.profiler?.hasMissingSourceMaps, index === 1);
    }
    t.deepEqual(receiver.violations, []);
  });

  test.serial(
    `Node.js ${major}: a profile that the sampler wrote by itself has its figures too`,
    async (t) => {
      const { receiver, env } = await startAgent(t);
      const script = `${BURN}
      setInterval(() => {}, 1000);
      (function look() {
        const { threads } = globalThis[Symbol.for('everflame.running')].status;
        if (!threads.some(({ name }) => name === 'everflame-upload')) return setTimeout(look, 10);
        require('node:fs').writeSync(1, 'ready\\n');
        for (;;) burn(100);
      })();`;
      const program = start(path, ['--require', AUTO, '-e', script], { env });
      await program.said('ready');
      program.child.kill('SIGTERM');
      const end = await program.ended;
      t.deepEqual([end.signal, end.stderr], ['SIGTERM', '']);
      t.is(receiver.received.length, 1);
      const internal = receiver.received[0]?.event.internal ?? {};
      t.true(Number(internal.samples) > 0, JSON.stringify(internal));
      t.true(Number(internal.handler_p50_nanoseconds) > 0);
      t.is(internal.uploads_taken, 0);
      t.deepEqual(receiver.violations, []);
    },
  );
}
