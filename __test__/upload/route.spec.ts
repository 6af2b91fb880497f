/** Who gets profiles, by what is set. */
import { join } from 'node:path';
import test from 'ava';
import { deliverySettings } from '#src/config/delivery-settings.js';
import { type ProfilerOptions, resolveConfiguration } from '#src/config/resolve.js';
import { resolveDelivery } from '#src/config/resolve-delivery.js';
import { makeExporters } from '#src/upload/exporters/make.js';
import { laneKey } from '#src/upload/lane.js';
import { namedReceivers } from '#src/upload/named.js';
import { type Route, settleRoute } from '#src/upload/route.js';
import { type Seed, withoutSecrets } from '#src/upload/seed.js';
import { givenUpload } from '../support/build-upload.js';
import { ROOT, run } from '../support/spawn.js';
import { givenSeed } from './support/process.js';

type Environment = Record<string, string>;

function routeOf(options: unknown, environment: Environment, agentAnswers = false): Route {
  const { configuration } = resolveConfiguration(options, environment);
  return settleRoute(configuration, options as ProfilerOptions, environment, () => agentAnswers);
}

test('what is switched off, or cannot be used, names nobody, and is told of where nobody else does', (t) => {
  const cases: [options: unknown, environment: Environment, warnings: RegExp[]][] = [
    [{}, {}, []],
    [{}, { DD_PROFILING_AGENTLESS: 'false' }, []],
    [{ agentless: false }, {}, []],
    [{ agentless: false }, { DD_PROFILING_AGENTLESS: 'true' }, []],
    [{}, { DD_PROFILING_AGENTLESS: 'maybe' }, [/^DD_PROFILING_AGENTLESS is "maybe", but /]],
    [{}, { DD_TRACE_AGENT_URL: 'htp://x' }, [/^DD_TRACE_AGENT_URL is "htp:\/\/x", but /]],
    [{}, { DD_AGENT_PORT: 'abc' }, [/^DD_AGENT_PORT is "abc", but /]],
    [{}, { DD_AGENT_HOST: 'a b' }, [/^DD_AGENT_HOST is "a b", but /]],
    [
      { url: 'x' },
      { PYROSCOPE_SERVER_ADDRESS: 'y' },
      [/^The option "url" is /, /^PYROSCOPE_SERVER_ADDRESS is /],
    ],
    [
      { pyroscopeUrl: 7, otlpUrl: 'z' },
      {},
      [/^The option "pyroscopeUrl" is 7/, /^The option "otlpUrl" is "z"/],
    ],
    [
      { apiKey: 'abc\ndef' },
      {},
      [/^The option "apiKey" is a value that is not shown here, but .*left unset/],
    ],
    [{ apiKey: 'abc', url: 'x' }, {}, [/^The option "url" is /]],
    [{}, { DD_API_KEY: 'abc\ndef' }, []],
  ];
  for (const [options, environment, expected] of cases) {
    const said = JSON.stringify([options, environment]);
    const { exporters, isOpen, warnings } = routeOf(options, environment);
    t.deepEqual([exporters, isOpen, warnings.length], [['local'], true, expected.length], said);
    for (const [index, text] of expected.entries()) t.regex(warnings[index] ?? '', text);
    // The delivery thread says what is wrong there.
    const sent: Route = { exporters: ['datadog'], isOpen: true, warnings: [] };
    t.deepEqual(routeOf(options, environment, true), sent, said);
  }
});

test('what can be used names its receiver, whatever else cannot', (t) => {
  const cases: [options: unknown, environment: Environment, exporters: Route['exporters']][] = [
    [{}, { DD_TRACE_AGENT_URL: 'htp://x', DD_TRACE_URL: 'http://host' }, ['datadog']],
    [{ url: 'x' }, { DD_TRACE_AGENT_URL: 'http://host' }, ['datadog']],
    [{ url: 'unix:/run/apm.socket' }, {}, ['datadog']],
    [{}, { DD_AGENT_HOST: 'host', DD_AGENT_PORT: 'abc' }, ['datadog']],
    [{}, { DD_AGENT_PORT: '8126' }, ['datadog']],
    [{}, { DD_TRACE_AGENT_PORT: 'abc', DD_AGENT_PORT: '8126' }, ['datadog']],
    [{}, { DD_PROFILING_AGENTLESS: 'true' }, ['datadog']],
    [{ apiKey: 'key' }, {}, ['datadog']],
    [{ apiKey: 'a key' }, { DD_API_KEY: 'key' }, ['datadog']],
    [{ pyroscopeUrl: 'http://host' }, { DD_PROFILING_AGENTLESS: 'false' }, ['pyroscope']],
    [
      { otlpUrl: 'http://host' },
      { PYROSCOPE_ADHOC_SERVER_ADDRESS: 'http://host', DD_TRACE_AGENT_HOSTNAME: 'host' },
      ['datadog', 'pyroscope', 'otlp'],
    ],
  ];
  for (const [options, environment, exporters] of cases) {
    const route: Route = { exporters, isOpen: false, warnings: [] };
    t.deepEqual(routeOf(options, environment), route, JSON.stringify([options, environment]));
  }
});

test('a plain value, for which the table of settings is not asked, is one that the table takes', (t) => {
  const values = [
    'http://host',
    'https://a-b.c_d.example:9999/x/y.z',
    'http://10.0.0.1:8126',
    'http://10.0.0.256',
    'http://a.0x',
    'http://xn--',
    'http://-',
    'http://..',
    'http://host:0/',
    'http://host:99999',
    'unix:///run/apm.socket',
    'unix:/run/apm.socket',
    'user:hunter22@host',
    'host',
    '10.0.0.256',
    '::1',
    '1',
    '0',
    '8126',
    '9999',
    '65536',
    ' http://host ',
    ' ',
    'true',
    'false',
  ];
  const naming = ['url', 'agentHost', 'agentPort', 'agentless', 'pyroscopeUrl', 'otlpUrl'] as const;
  const variables = naming.flatMap((name) => deliverySettings[name].env);
  const options = ['url', 'agentless', 'pyroscopeUrl', 'otlpUrl'];
  const given = values.flatMap((value): [ProfilerOptions, Environment][] => [
    ...variables.map((name): [ProfilerOptions, Environment] => [{}, { [name]: value }]),
    ...options.map((name): [ProfilerOptions, Environment] => [{ [name]: value }, {}]),
  ]);
  for (const [inCode, environment] of given) {
    const { exporters, warnings } = namedReceivers(inCode, environment);
    const route = routeOf(inCode, environment);
    const expected = exporters.length > 0 ? exporters : ['local'];
    t.deepEqual([route.exporters, route.warnings], [expected, exporters.length > 0 ? [] : warnings]);
    // What the exporters find in them is the same.
    const { configuration } = resolveDelivery(inCode, environment);
    t.is(exporters.includes('pyroscope'), configuration.pyroscopeUrl !== undefined);
    t.is(exporters.includes('otlp'), configuration.otlpUrl !== undefined);
  }
});

test('a start with plain values does not load the table of settings', async (t) => {
  const route = JSON.stringify(join(ROOT, 'dist', 'src', 'upload', 'route.js'));
  const script = `
    const environment = { DD_TRACE_AGENT_URL: 'http://10.0.0.1:8126', DD_AGENT_HOST: 'host' };
    require(${route}).settleRoute({}, { pyroscopeUrl: 'http://localhost:4040' }, environment, () => false);
    console.log(Object.keys(require.cache).filter((name) => /named|settings/.test(name)).length);`;
  const end = await run(process.execPath, ['-e', script]);
  t.is(end.stdout, '0\n', end.stderr);
});

/** The exporter that sends to Datadog, and all that is said of its settings. */
function datadogOf(changes: Partial<Seed>) {
  const seed = givenSeed({ exporters: ['datadog'], environment: {}, ...changes });
  const { configuration, warnings } = resolveDelivery(seed.options, seed.environment);
  const made = makeExporters(seed, configuration);
  const [exporter] = made.exporters;
  if (!exporter) throw new Error(made.warnings.join('\n'));
  return { seed, exporter, warnings: [...warnings, ...made.warnings] };
}

const HERE = 'the Datadog Agent of this machine';
const NOT_SHOWN = 'is a value that is not shown here, but it must be a key without spaces or line breaks';
const BAD_OPTION = `The option "apiKey" ${NOT_SHOWN}; it is left unset.`;

test('a key with a line break within it is no key, and it is said where profiles go then', (t) => {
  const agentless = { DD_PROFILING_AGENTLESS: 'true' };
  const inCode = { options: { apiKey: 'abc\ndef' } };
  const cases: [changes: Partial<Seed>, destination: string, warnings: string[]][] = [
    [
      inCode,
      HERE,
      [
        BAD_OPTION,
        'the option "apiKey" has no key that can be used, so profiles are sent to an Agent. Write the key without spaces or line breaks.',
      ],
    ],
    // The log has a line of its own on who gets them.
    [{ ...inCode, isOpen: true }, HERE, [BAD_OPTION]],
    [
      { ...inCode, environment: agentless },
      HERE,
      [
        BAD_OPTION,
        'DD_PROFILING_AGENTLESS is set without a key that can be used, so profiles are sent to an Agent. Set DD_API_KEY.',
      ],
    ],
    [
      { environment: { ...agentless, DD_API_KEY: 'abc\r\ndef' } },
      HERE,
      [
        `DD_API_KEY ${NOT_SHOWN}; it is left unset.`,
        'DD_PROFILING_AGENTLESS is set without a key that can be used, so profiles are sent to an Agent. Set DD_API_KEY.',
      ],
    ],
    [
      { ...inCode, environment: { DD_API_KEY: 'key' } },
      'Datadog at datadoghq.com',
      [`The option "apiKey" ${NOT_SHOWN}; another one is used instead.`],
    ],
    [
      { options: { apiKey: 'key' }, environment: { DD_TRACE_AGENT_URL: 'http://me:hunter22@host' } },
      'the Datadog Agent at http://host',
      [
        'the option "apiKey" is set beside the URL of an Agent (http://host), which wins. Unset one of the two.',
      ],
    ],
  ];
  for (const [changes, destination, expected] of cases) {
    const { seed, exporter, warnings } = datadogOf(changes);
    t.is(exporter.destination, destination);
    t.deepEqual(warnings, expected);
    // Who finds its profiles in the spool sends them to the same.
    t.is(laneKey(datadogOf(withoutSecrets(seed)).exporter), laneKey(exporter));
  }
});

test('the path of a socket that the system would cut is told of', (t) => {
  const length = process.platform === 'linux' ? 107 : 103;
  const path = `/run/${'x'.repeat(length - 5)}`;
  t.is(
    datadogOf({ options: { url: `unix://${path}` } }).exporter.destination,
    `the Datadog Agent at unix://${path}`,
  );
  const seed = givenSeed({ options: { url: `unix://${path}y` }, exporters: ['datadog'] });
  const { exporters, warnings } = makeExporters(seed, resolveDelivery(seed.options, {}).configuration);
  t.deepEqual(exporters, []);
  t.regex(
    warnings[0] ?? '',
    new RegExp(
      `nothing is sent by the exporter datadog: .* of ${length + 1} bytes, and the system takes ${length}`,
    ),
  );
});

test('a key with a line break behind it is sent without', async (t) => {
  for (const changes of [
    { options: { apiKey: 'key\n' } },
    { environment: { DD_PROFILING_AGENTLESS: 'true', DD_API_KEY: 'key\r\n' } },
  ]) {
    const { exporter, warnings } = datadogOf(changes);
    t.deepEqual(warnings, []);
    const [request] = await exporter.requests(givenUpload([]));
    t.is(request?.headers['DD-API-KEY'], 'key');
  }
});

test('a port that is none leaves the Agent of this machine, with its socket', (t) => {
  const { exporter } = datadogOf({ environment: { DD_AGENT_PORT: 'abc' } });
  t.is(exporter.destination, HERE);
  t.is(
    datadogOf({ environment: { DD_AGENT_PORT: '8126' } }).exporter.destination,
    'the Datadog Agent at http://127.0.0.1:8126',
  );
});
