/** What a process says of itself in the spool holds no secret, and says what others need. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { publicAddress, withoutUsers } from '#src/config/plain-text.js';
import { resolveDelivery } from '#src/config/resolve-delivery.js';
import { PyroscopeExporter } from '#src/upload/exporters/pyroscope.js';
import { makeSpoolFolder, SEED_FILE, withoutSecrets } from '#src/upload/seed.js';
import { givenUpload } from '../support/build-upload.js';
import { temporaryFolder } from '../support/folder.js';
import { agentExporter } from './support/exporters.js';
import { givenSeed } from './support/process.js';

test('of a URL neither user nor password is left, whatever they hold', (t) => {
  const passwords = [
    'plain',
    'with@one',
    'with/one',
    'with@and/both',
    '@/@',
    'with"one',
    "it's",
    'with,comma',
    'a b',
    '?#',
  ];
  for (const password of passwords) {
    t.is(withoutUsers(`http://user:${password}@host:4040/x?y=z`), 'http://host:4040/x?y=z', password);
  }
  t.is(withoutUsers('it is http://me:a/b@c@host, or ftp://u@other.'), 'it is http://host, or ftp://other.');
});

test('what is no user stays', (t) => {
  for (const text of [
    '',
    'http://host:4040/x',
    'unix:///run/a@b/apm@socket',
    'repository:https://example.com/shop,owner:me@example.com',
    'me@example.com',
  ]) {
    t.is(withoutUsers(text), text);
  }
});

test('an address is shown and kept without users and query, also where it is none', (t) => {
  const cases: [address: string, shown: string][] = [
    ['http://host:8126/x', 'http://host:8126/x'],
    ['http://user:hunter22@host:8126/x?api-key=hunter22#hunter22', 'http://host:8126/x'],
    ['http://host?api-key=hunter@22', 'http://host'],
    ['https://user:hun/ter22@host', 'https://host'],
    ['htp://user:hunter22@host', 'htp://host'],
    ['user:hunter22@host', 'host'],
    ['hunter22@host?api-key=hunter22', 'host'],
    ['http:user:hunter22@host', 'host'],
    ['//user:hunter22@host', 'host'],
    ['htp://user:hun?ter22@host', 'htp://…'],
    ['user:hun?ter22@host', '…'],
    ['host:8126', 'host:8126'],
    ['unix:///run/a@b/apm@socket', 'unix:///run/a@b/apm@socket'],
  ];
  for (const [address, shown] of cases) {
    t.is(publicAddress(address), shown);
    t.is(publicAddress(shown), shown, 'once more');
  }
});

test('no warning shows the password of an address that cannot be used', (t) => {
  for (const address of ['htp://user:hunter22@host', 'user:hunter22@host', 'host?api-key=hunter22']) {
    const variables = [
      'DD_TRACE_AGENT_URL',
      'PYROSCOPE_SERVER_ADDRESS',
      'OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT',
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'DD_AGENT_HOST',
    ].filter((name) => !/HOST/.test(name) || address.includes('@'));
    const environment = Object.fromEntries(variables.map((name) => [name, address]));
    const { warnings } = resolveDelivery(
      { url: address, pyroscopeUrl: address, otlpUrl: address },
      environment,
    );
    t.is(warnings.length, variables.length + 3, warnings.join('\n'));
    for (const warning of warnings) {
      t.notRegex(warning, /hunter22|user/);
      t.regex(warning, /host/);
    }
  }
});

test('the file of a process in the spool has no secret', (t) => {
  const secrets = ['se/cret-one', 'se@cret-two', 'secret-three', 'secret-four', 'secret-five'];
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = secrets;
  const seed = givenSeed({
    environment: {
      DD_TRACE_AGENT_URL: `http://user:${first}@host:8126`,
      PYROSCOPE_SERVER_ADDRESS: `http://user:${second}@host:4040`,
      DD_API_KEY: third,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${fourth}`,
    },
    options: { url: `http://${first}@host`, apiKey: fifth },
  });
  const text = readFileSync(join(makeSpoolFolder(temporaryFolder(t), seed), SEED_FILE), 'utf8');
  for (const secret of secrets) t.false(text.includes(secret), secret);
  t.like(JSON.parse(text), {
    environment: { DD_TRACE_AGENT_URL: 'http://host:8126', PYROSCOPE_SERVER_ADDRESS: 'http://host:4040' },
    options: { url: 'http://host' },
  });
});

test('nor the secret of an address that cannot be used, or of a query', (t) => {
  const seed = givenSeed({
    environment: {
      DD_TRACE_AGENT_URL: 'user:hunter22@host',
      DD_AGENT_HOST: 'user:hunter22@host',
      PYROSCOPE_SERVER_ADDRESS: 'http://host:4040/x?api-key=hunter22',
      DD_GIT_REPOSITORY_URL: 'https://user:hunter22@host/shop.git?x=hunter22',
      DD_PROXY_HTTPS: 'user:hunter22@host',
      DD_TAGS: 'owner:me@example.com',
    },
    options: { url: 'htp:/user:hunter22@host', otlpUrl: 'http://host/x?api-key=hunter22' },
  });
  const text = readFileSync(join(makeSpoolFolder(temporaryFolder(t), seed), SEED_FILE), 'utf8');
  t.notRegex(text, /hunter22|user:/);
  t.like(JSON.parse(text), {
    environment: {
      DD_TRACE_AGENT_URL: 'host',
      PYROSCOPE_SERVER_ADDRESS: 'http://host:4040/x',
      DD_GIT_REPOSITORY_URL: 'https://host/shop.git',
      DD_TAGS: 'owner:me@example.com',
    },
    options: { otlpUrl: 'http://host/x' },
  });
  const kept = givenSeed({ environment: { DD_GIT_REPOSITORY_URL: 'git@github.com:org/shop.git' } });
  t.deepEqual(withoutSecrets(kept).environment, kept.environment);
});

test('a receiver is told of without the query of its address, which is still sent', async (t) => {
  const exporter = agentExporter({ url: 'http://user:hunter22@host:8126/gateway?api-key=hunter22' });
  t.is(exporter.destination, 'the Datadog Agent at http://host:8126/gateway');
  const [request] = await exporter.requests(givenUpload([]));
  t.is(request?.url, 'http://user:hunter22@host:8126/gateway/profiling/v1/input?api-key=hunter22');
});

test('an address that is none is shown without its password', (t) => {
  for (const serverAddress of ['http://user:se/cret@host', 'user:se/cret@host', 'htp://user:se@cret@host']) {
    const error = t.throws(() => new PyroscopeExporter({ serverAddress }));
    t.notRegex(error.message, /user|se\/|cret/);
    t.regex(error.message, /host"/);
  }
});
