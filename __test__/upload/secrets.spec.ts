/** What a process says of itself in the spool holds no secret, and says what others need. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { withoutUsers } from '#src/config/plain-text.js';
import { PyroscopeExporter } from '#src/upload/exporters/pyroscope.js';
import { makeSpoolFolder, SEED_FILE } from '#src/upload/seed.js';
import { temporaryFolder } from '../support/folder.js';
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

test('an address that is none is shown without its password', (t) => {
  for (const serverAddress of ['http://user:se/cret@host', 'user:se/cret@host', 'htp://user:se@cret@host']) {
    const error = t.throws(() => new PyroscopeExporter({ serverAddress }));
    t.notRegex(error.message, /user|se\/|cret/);
    t.regex(error.message, /host"/);
  }
});
