/** Where Datadog is, by what is set, and what is sent there with and without an Agent. */
import fs from 'node:fs';
import { hostname } from 'node:os';
import test from 'ava';
import { type ProfilerOptions, resolveConfiguration } from '#src/config/resolve.js';
import { resolveDelivery } from '#src/config/resolve-delivery.js';
import { DatadogExporter } from '#src/upload/exporters/datadog.js';
import { datadogTargetOf, isAgentless } from '#src/upload/exporters/make.js';
import { identityOf } from '#src/upload/identity.js';
import { AGENT_SOCKET, settleRoute } from '#src/upload/route.js';
import { makeSend } from '#src/upload/send.js';
import { encodeProfile } from '../support/build-profile.js';
import { givenUpload } from '../support/build-upload.js';
import { BURN } from '../support/burn.js';
import { temporaryFolder } from '../support/folder.js';
import { startDatadogReceiver } from '../support/receivers/datadog.js';
import { AUTO, run } from '../support/spawn.js';
import { WALL_TYPES, wallSamples } from '../support/truth.js';
import { startIntake } from './support/intake.js';
import { givenSeed } from './support/process.js';

const PATH = '/profiling/v1/input';
const KEY = 'b0f3a1c9d2';

/** Where a process sends with these variables and options, and what it says about them. */
function targetOf(environment: Record<string, string>, options: ProfilerOptions = {}) {
  const seed = givenSeed({ environment, options });
  const { configuration, warnings } = resolveDelivery(options, environment);
  const { target, warnings: told } = datadogTargetOf(seed, configuration);
  const agentless = isAgentless(seed, configuration);
  const { host } = identityOf(seed, configuration, agentless).value;
  return { target, ...target.address(), host, warnings: [...warnings, ...told] };
}

/** Has the Agent's own socket be there, or not, whatever this machine has. */
function withSocket<T>(isThere: boolean, task: () => T): T {
  const { existsSync } = fs;
  fs.existsSync = (path) => (path === AGENT_SOCKET ? isThere : existsSync(path));
  try {
    return task();
  } finally {
    fs.existsSync = existsSync;
  }
}

// Each line is without what the one before it has, so that their order is seen. `both` are two names of one setting.
const AGENTS: [environment: Record<string, string>, url: string, both?: [used: string, other: string]][] = [
  [
    { DD_TRACE_AGENT_URL: 'http://first:1001', DD_TRACE_URL: 'http://second:1002' },
    'http://first:1001',
    ['DD_TRACE_AGENT_URL', 'DD_TRACE_URL'],
  ],
  [{ DD_TRACE_URL: 'http://second:1002', DD_AGENT_HOST: 'third' }, 'http://second:1002'],
  [
    { DD_AGENT_HOST: 'third', DD_TRACE_AGENT_HOSTNAME: 'fourth' },
    'http://third:8126',
    ['DD_AGENT_HOST', 'DD_TRACE_AGENT_HOSTNAME'],
  ],
  [{ DD_TRACE_AGENT_HOSTNAME: 'fourth', DD_TRACE_AGENT_PORT: '1005' }, 'http://fourth:1005'],
  [
    { DD_AGENT_HOST: '', DD_TRACE_AGENT_PORT: '1005', DD_AGENT_PORT: '1006' },
    'http://127.0.0.1:1005',
    ['DD_TRACE_AGENT_PORT', 'DD_AGENT_PORT'],
  ],
  [{ DD_AGENT_PORT: '1006' }, 'http://127.0.0.1:1006'],
  [{ DD_AGENT_HOST: 'fd00::5', DD_AGENT_PORT: '1007' }, 'http://[fd00::5]:1007'],
  [{ DD_AGENT_HOST: '[fd00::5]' }, 'http://[fd00::5]:8126'],
  [{ DD_TRACE_AGENT_URL: 'https://[fd00::5]:1008/gate/' }, 'https://[fd00::5]:1008/gate'],
];

test.serial('an Agent is where a URL says, else a host or a port; neither is asked for a socket', (t) => {
  for (const [environment, url, both] of AGENTS) {
    const found = withSocket(true, () => targetOf(environment));
    t.deepEqual([found.url, found.socketPath], [`${url}${PATH}`, undefined]);
    const told = both?.map((name) => found.warnings.map((line) => line.includes(`${name} is used`)));
    t.deepEqual(told, both && [[true], [false]]);
    t.is(found.warnings.length, both ? 1 : 0, found.warnings.join('\n'));
    t.is(found.host, undefined, 'the Agent names it');
  }
});

test('a URL that names a socket is that socket, also where a host is set', (t) => {
  const { url, socketPath } = targetOf({
    DD_TRACE_AGENT_URL: 'unix:///run/apm.socket',
    DD_AGENT_HOST: 'third',
  });
  t.deepEqual([url, socketPath], [`http://localhost${PATH}`, '/run/apm.socket']);
});

test.serial(
  "with none of them it is the Agent's own socket, else port 8126 of this machine, asked anew",
  (t) => {
    const { target } = targetOf({ DD_API_KEY: KEY });
    const [there, gone] = [true, false].map((isThere) => withSocket(isThere, () => target.address()));
    t.deepEqual(there, { url: `http://localhost${PATH}`, socketPath: AGENT_SOCKET, noProxy: true });
    t.deepEqual(gone, { url: `http://127.0.0.1:8126${PATH}`, noProxy: true });
    t.is(target.apiKey, undefined, 'a key alone is for other products too');
  },
);

test('each variable of an Agent says that profiles go to Datadog, and nobody is asked then', (t) => {
  const routeOf = (environment: Record<string, string>, options: ProfilerOptions = {}) =>
    settleRoute(resolveConfiguration(options, environment).configuration, options, environment, () => {
      throw new Error('asked');
    });
  const variables = [...new Set(AGENTS.flatMap(([environment]) => Object.keys(environment)))];
  t.is(variables.length, 6);
  for (const [name, value] of AGENTS.flatMap(([environment]) => Object.entries(environment))) {
    if (value === '') t.throws(() => routeOf({ [name]: value }), { message: 'asked' }, name);
    else t.deepEqual(routeOf({ [name]: value }), { exporters: ['datadog'], isOpen: false, warnings: [] });
  }
  t.deepEqual(routeOf({}, { apiKey: KEY }).exporters, ['datadog']);
  t.deepEqual(routeOf({ DD_PROFILING_AGENTLESS: 'true' }).exporters, ['datadog']);
  t.throws(() => routeOf({ DD_API_KEY: KEY, DD_SITE: 'datadoghq.eu' }), { message: 'asked' });
});

test('the intake is that of the site, and has a key and a host', (t) => {
  const agentless = { DD_PROFILING_AGENTLESS: 'true', DD_API_KEY: KEY };
  for (const [site, host] of [
    ['', 'datadoghq.com'],
    ['datadoghq.eu', 'datadoghq.eu'],
    ['us3.datadoghq.com', 'us3.datadoghq.com'],
  ]) {
    const found = targetOf({ ...agentless, DD_SITE: site ?? '' });
    t.is(found.url, `https://intake.profile.${host}/api/v2/profile`);
    t.deepEqual([found.target.apiKey, found.socketPath, found.host], [KEY, undefined, hostname()]);
  }
  t.is(
    targetOf({}, { apiKey: KEY, site: 'ap1.datadoghq.com' }).target.destination,
    'Datadog at ap1.datadoghq.com',
  );
  t.is(targetOf({ ...agentless, DD_SITE: ' datadoghq.eu ' }).target.destination, 'Datadog at datadoghq.eu');
});

test('where the site is none nothing goes to another one', (t) => {
  const agentless = { DD_PROFILING_AGENTLESS: 'true', DD_API_KEY: KEY };
  for (const site of [
    'datadoghq.com:99999',
    'https://datadoghq.eu',
    'datadoghq.eu/',
    'datadoghq eu',
    '@',
    'é',
  ]) {
    const error = t.throws(() => targetOf({ ...agentless, DD_SITE: site }), {
      message: /no site of Datadog/,
    });
    t.is((error as { code?: string } | undefined)?.code, 'BAD_SITE', site);
  }
  const secret = t.throws(() => targetOf({ ...agentless, DD_SITE: 'user:hunter22@datadoghq.eu' }));
  t.notRegex(String(secret), /hunter22/);
});

test('an Agent gets no key: where its URL is set too, or no key is', (t) => {
  const agentless = { DD_PROFILING_AGENTLESS: 'true' };
  const named = targetOf({ ...agentless, DD_API_KEY: KEY, DD_TRACE_AGENT_URL: 'http://first:1001' });
  t.deepEqual([named.url, named.target.apiKey], [`http://first:1001${PATH}`, undefined]);
  t.regex(named.warnings.join(), /^DD_PROFILING_AGENTLESS is set beside the URL/);
  const keyless = targetOf({ ...agentless, DD_AGENT_HOST: 'third' });
  t.deepEqual([keyless.url, keyless.target.apiKey], [`http://third:8126${PATH}`, undefined]);
  t.regex(
    keyless.warnings.join(),
    /^DD_PROFILING_AGENTLESS is set without a key that can be used.*DD_API_KEY/,
  );
});

test('what is refused has a remedy by its status: of the key and the site, or of the Agent', (t) => {
  const remedyOf = (environment: Record<string, string>, status: number): string => {
    const verdict = new DatadogExporter(targetOf(environment).target, {}).judge({
      status,
      headers: {},
      body: Buffer.from('no'),
    });
    if (verdict.kind !== 'refused') return verdict.kind;
    t.is(verdict.reason, `${status} (no)`);
    return verdict.remedy;
  };
  const intake = { DD_PROFILING_AGENTLESS: 'true', DD_API_KEY: KEY };
  const agent = { DD_AGENT_HOST: 'third' };
  t.is(remedyOf(intake, 202), 'delivered');
  t.is(remedyOf(intake, 400), 'Check DD_API_KEY and DD_SITE.');
  for (const status of [401, 403]) {
    t.regex(remedyOf(intake, status), /DD_API_KEY is a valid key of the site/);
    t.regex(remedyOf(agent, status), /the API key of the Agent/);
  }
  t.is(remedyOf(intake, 404), 'Check DD_SITE.');
  t.regex(remedyOf(agent, 404), /7\.20 or newer/);
  t.is(remedyOf(agent, 200), 'delivered');
});

test.serial('without an Agent a process sends to the intake with its key and its host', async (t) => {
  const { receiver, asked, env } = await startIntake(t, KEY);
  const cwd = temporaryFolder(t, { 'program.cjs': `${BURN} burn(100);\n` });
  const args = ['--require', AUTO, 'program.cjs'];
  const settings = { ...env, EVERFLAME_SPOOL: 'off', EVERFLAME_EXIT_TIMEOUT: '20' };
  const end = await run(process.execPath, args, { cwd, env: { ...settings, DD_API_KEY: KEY } });
  t.deepEqual([end.code, end.stderr], [0, '']);
  t.deepEqual([receiver.violations, receiver.received.length], [[], 1]);
  t.is(receiver.received[0]?.headers['dd-api-key'], KEY);
  t.is(receiver.received[0]?.tags.get('host'), hostname());
  t.deepEqual(asked, ['intake.profile.example.test:443']);

  const refused = await run(process.execPath, args, { cwd, env: { ...settings, DD_API_KEY: 'another-key' } });
  t.is(refused.code, 0);
  t.regex(
    refused.stderr,
    /Datadog at example\.test refuses a profile: 403 .*Check that DD_API_KEY is a valid key/,
  );
  t.notRegex(refused.stderr, /another-key/);
  t.is(receiver.received.length, 1);
});

test('an event has what an upload has: counts of endpoints, attributes, and the container in headers', async (t) => {
  const receiver = await startDatadogReceiver();
  t.teardown(receiver.close);
  const data = encodeProfile(WALL_TYPES, wallSamples(11, 7, BigInt(Date.now() - 60_000) * 1_000_000n));
  const attachments = [{ name: 'wall.pprof', data }];
  const counted = { endpointCounts: { 'GET /cart': 3, 'POST /pay': 1 }, customAttributes: ['customer'] };
  const { target } = targetOf({ DD_TRACE_AGENT_URL: receiver.url });
  const contained = { 'Datadog-Container-Id': 'c0ffee', 'Datadog-Entity-ID': 'ci-c0ffee' };
  const send = makeSend('everflame/test', 10_000);
  for (const [exporter, changes] of [
    [new DatadogExporter(target, {}), counted],
    [new DatadogExporter(target, { ...contained, 'Datadog-External-Env': undefined }), {}],
  ] as const) {
    for (const request of await exporter.requests(givenUpload(attachments, changes))) {
      t.is((await send(request, new AbortController().signal)).status, 200);
    }
  }
  t.deepEqual(receiver.violations, []);
  const [first, second] = receiver.received;
  t.deepEqual(first?.event.endpoint_counts, { 'GET /cart': 3, 'POST /pay': 1 });
  t.deepEqual(first?.event.custom_attributes, ['customer']);
  t.false('datadog-entity-id' in (first?.headers ?? {}));
  t.is(second?.event.endpoint_counts, null);
  t.false('custom_attributes' in (second?.event ?? {}));
  t.like(second?.headers, { 'datadog-container-id': 'c0ffee', 'datadog-entity-id': 'ci-c0ffee' });
  t.false('datadog-external-env' in (second?.headers ?? {}));
});
