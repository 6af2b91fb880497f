import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { decodeProfile } from '#src/profile/read.js';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { total } from '../support/pprof.js';
import { startAgentProxy } from '../support/real-receivers/agent-proxy.js';
import { startCollector } from '../support/real-receivers/collector.js';
import { partsOf, type Received } from '../support/real-receivers/http.js';
import { startPyroscopeApi } from '../support/real-receivers/pyroscope-api.js';
import { startTestAgent } from '../support/real-receivers/test-agent.js';
import { AUTO, run } from '../support/spawn.js';

const TYPES = ['sample', 'wall', 'cpu'] as const;
type Sums = Record<(typeof TYPES)[number], number>;

const sumsOf = (profile: Buffer): Sums =>
  Object.fromEntries(TYPES.map((type) => [type, total([decodeProfile('profile', profile)], type)])) as Sums;

/** Runs a program of one period, and returns its profile as the file exporter has written it. */
async function profiled(
  t: ExecutionContext,
  node: string,
  env: Record<string, string>,
): Promise<{ profile: Buffer; sums: Sums }> {
  const folder = temporaryFolder(t, {
    'package.json': '{"name":"shop","version":"1.4.2"}',
    'app.js': `${BURN}burn(300);setTimeout(() => burn(100), 50);`,
  });
  const end = await run(node, ['--require', AUTO, 'app.js'], {
    cwd: folder,
    env: {
      DD_PROFILING_OUTPUT_PPROF: join(folder, 'out', 'p'),
      EVERFLAME_SPOOL_DIR: join(folder, 'spool'),
      EVERFLAME_EXIT_TIMEOUT: '30',
      DD_ENV: 'test',
      ...env,
    },
  });
  t.deepEqual([end.code, end.stderr], [0, '']);
  const files = profilesIn(join(folder, 'out'));
  t.is(files.length, 1);
  const profile = readFileSync(files[0] as string);
  const sums = sumsOf(profile);
  t.true(sums.cpu > 300e6, `${sums.cpu}`);
  return { profile, sums };
}

/** Checks that an upload is this profile, to the byte, and returns its other files by name. */
async function checkUpload(t: ExecutionContext, request: Received, profile: Buffer): Promise<void> {
  const [event, wall, provenance] = await partsOf(request);
  const { attachments, tags_profiler: tags } = JSON.parse(`${event?.data}`) as Record<string, string>;
  t.deepEqual<unknown, unknown>(attachments, ['wall.pprof', 'code-provenance.json']);
  t.regex(tags ?? '', /(^|,)service:shop(,|$)/);
  t.regex(tags ?? '', /(^|,)env:test(,|$)/);
  t.deepEqual(wall?.data, profile);
  const { v1 } = JSON.parse(`${provenance?.data}`) as { v1: { kind: string; name: string }[] };
  t.true(v1.some(({ kind, name }) => kind === '' && name === 'shop'));
}

for (const { major, path } of testNodes()) {
  test(`Node.js ${major}: all receivers at once get the same sums as the file`, async (t) => {
    const agent = await startTestAgent(t);
    const collector = await startCollector(t);
    const pyroscope = await startPyroscopeApi(t);
    const { profile, sums } = await profiled(t, path, {
      EVERFLAME_EXPORTERS: 'datadog,otlp,pyroscope,file',
      DD_TRACE_AGENT_URL: agent.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      PYROSCOPE_SERVER_ADDRESS: pyroscope.url,
    });
    const [upload, ...others] = await agent.received();
    t.deepEqual(others, []);
    await checkUpload(t, upload as Received, profile);

    const taken = await collector.received(1);
    const otlp = taken.map(({ type, samples }) => [
      type,
      samples.reduce((sum, { values }) => sum + (values[0] ?? 0), 0),
    ]);
    t.deepEqual(Object.fromEntries(otlp), sums);
    t.true(taken.every(({ resource }) => resource['service.name'] === 'shop'));

    const query = async (name: string, type: string, unit: string, periodType: string): Promise<number> => {
      const found = await pyroscope.query(`${name}:${type}:${unit}:${periodType}`, '{service_name="shop"}');
      return total([decodeProfile('profile', found)], type);
    };
    t.is(await query('wall', 'wall', 'nanoseconds', 'wall:nanoseconds'), sums.wall);
    t.is(await query('wall', 'samples', 'count', 'wall:nanoseconds'), sums.sample);
    t.is(await query('process_cpu', 'cpu', 'nanoseconds', 'cpu:nanoseconds'), sums.cpu);
  });
}

test("the Datadog Agent's own proxy hands our upload on unchanged, over TCP and over its socket", async (t) => {
  const { url, socketPath, intake } = await startAgentProxy(t);
  for (const address of [url, `unix://${socketPath}`]) {
    const { profile } = await profiled(t, process.execPath, {
      EVERFLAME_EXPORTERS: 'datadog,file',
      DD_TRACE_AGENT_URL: address,
    });
    const request = intake.received.pop();
    t.deepEqual(intake.received, []);
    await checkUpload(t, request as Received, profile);
  }
});

test("Datadog's test agent takes our upload over its socket", async (t) => {
  const { socketPath, received } = await startTestAgent(t);
  const { profile } = await profiled(t, process.execPath, {
    EVERFLAME_EXPORTERS: 'datadog,file',
    DD_TRACE_AGENT_URL: `unix://${socketPath}`,
  });
  const [upload, ...others] = await received();
  t.deepEqual(others, []);
  await checkUpload(t, upload as Received, profile);
});

test("Go's pprof reads each profile that was sent, and adds up what we do", async (t) => {
  const { url, received } = await startTestAgent(t);
  const { sums } = await profiled(t, process.execPath, {
    EVERFLAME_EXPORTERS: 'datadog,file',
    DD_TRACE_AGENT_URL: url,
  });
  const folder = temporaryFolder(t);
  const parts = await partsOf((await received())[0] as Received);
  for (const { filename, data } of parts.filter(({ filename }) => filename?.endsWith('.pprof'))) {
    const file = join(folder, filename as string);
    writeFileSync(file, data);
    for (const type of TYPES) {
      const unit = type === 'sample' ? 'count' : 'nanoseconds';
      const args = ['tool', 'pprof', '-top', `-sample_index=${type}`, `-unit=${unit}`, file];
      const said = execFileSync('go', args, {
        encoding: 'utf8',
        env: { ...process.env, PPROF_TMPDIR: folder },
      });
      const [, sum] = /of ([\d.]+)\w* total/.exec(said) ?? [];
      t.true(
        Math.abs(Number(sum) - sums[type]) <= sums[type] * 1e-3,
        said.split('\n').slice(0, 6).join('\n'),
      );
    }
  }
});
