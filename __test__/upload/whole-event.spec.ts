/** What an event of a process has in it, and the request around it. */
import { availableParallelism, hostname, release, type, version } from 'node:os';
import { basename } from 'node:path';
import test from 'ava';
import { readContainer } from '#src/provenance/container.js';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { AUTO, run } from '../support/spawn.js';
import { startAgent } from './support/agent.js';

function fail(): never {
  throw new Error('nothing has come');
}

test.serial('an event tells all of its process that it can, and the request of its container', async (t) => {
  const { receiver, env } = await startAgent(t);
  const folder = temporaryFolder(t, {
    'package.json': '{"name":"@shop/cart","version":"1.0.0"}',
    'server.cjs': `${BURN} burn(100);`,
  });
  const settings = {
    DD_SERVICE: undefined,
    DD_ENV: 'test',
    DD_VERSION: '7.3.1',
    DD_TRACE_REPORT_HOSTNAME: 'true',
    DD_EXTERNAL_ENV: 'it-false,cn-cart,pu-75a2b6d5',
    AWS_LAMBDA_FUNCTION_NAME: 'checkout',
    UV_THREADPOOL_SIZE: '7',
  };
  const end = await run(process.execPath, ['--require', AUTO, 'server.cjs'], {
    env: { ...env, ...settings },
    cwd: folder,
  });
  t.deepEqual([end.code, end.stderr], [0, '']);
  const [{ event, tags, headers, attachments } = fail(), ...others] = receiver.received;
  t.deepEqual([others, receiver.violations], [[], []]);
  const base = basename(folder).toLowerCase();
  t.is(
    event.process_tags,
    `entrypoint.basedir:${base},entrypoint.name:server,entrypoint.type:script,entrypoint.workdir:${base},package.json.name:_shop/cart,svc.auto:shop/cart`,
  );
  t.like(Object.fromEntries(tags), {
    service: 'shop/cart',
    env: 'test',
    version: '7.3.1',
    host: hostname(),
    functionname: 'checkout',
    process_id: String(end.pid),
    runtime_version: process.version,
    snapshot: 'on_shutdown',
  });
  const { application, platform, profiler, runtime } = event.info ?? {};
  t.like(application, { service: 'shop/cart', env: 'test', version: '7.3.1' });
  const started = Date.parse(String(application?.start_time));
  t.true(started <= Date.parse(event.start) && started > Date.parse(event.start) - 60_000, `${started}`);
  t.deepEqual(platform, {
    hostname: hostname(),
    kernel_name: type(),
    kernel_release: release(),
    kernel_version: version(),
  });
  t.like(profiler, { activation: 'auto', serverless: true, version: tags.get('profiler_version') });
  t.like(profiler?.settings, { rate: 99, period: 60, timeline: true, engine: 'auto' });
  t.deepEqual(runtime, {
    available_processors: availableParallelism(),
    engine: 'nodejs',
    libuv_threadpool_size: 7,
    version: process.versions.node,
  });
  t.is(event.internal?.uploads_taken, 0);
  t.true(Number(event.internal?.samples) > 0);
  t.deepEqual([...attachments.keys()], ['wall.pprof', 'code-provenance.json']);
  t.is(headers['datadog-external-env'], settings.DD_EXTERNAL_ENV);
  // Whatever this machine is: a container, or none.
  const { containerId, entityId } = readContainer({}).value;
  t.is(headers['datadog-container-id'], containerId);
  t.is(headers['datadog-entity-id'], entityId);
});

test.serial('what is switched off is neither sent nor looked for', async (t) => {
  const { receiver, env } = await startAgent(t);
  const folder = temporaryFolder(t, { 'server.cjs': `${BURN} burn(100);` });
  const off = {
    DD_EXPERIMENTAL_PROPAGATE_PROCESS_TAGS_ENABLED: 'false',
    DD_PROFILING_ENABLE_CODE_PROVENANCE: '0',
  };
  const end = await run(process.execPath, ['--require', AUTO, 'server.cjs'], {
    env: { ...env, ...off },
    cwd: folder,
  });
  t.deepEqual([end.code, end.stderr], [0, '']);
  const [{ event, tags, headers, attachments } = fail()] = receiver.received;
  t.deepEqual([receiver.violations, receiver.received.length], [[], 1]);
  t.is(event.process_tags, null);
  t.deepEqual([event.attachments, [...attachments.keys()]], [['wall.pprof'], ['wall.pprof']]);
  for (const tag of ['host', 'functionname', 'env', 'version']) t.false(tags.has(tag), tag);
  t.is(event.info?.profiler?.serverless, false);
  t.false('datadog-external-env' in headers);
});
