/** What one account has left in the spool is not sent to another. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { resolveDelivery } from '#src/config/resolve-delivery.js';
import { makeExporters } from '#src/upload/exporters/make.js';
import { laneKey } from '#src/upload/lane.js';
import { makeSpoolFolder, SEED_FILE, type Seed, withoutSecrets } from '#src/upload/seed.js';
import { givenIdentity } from '../support/build-upload.js';
import { temporaryFolder } from '../support/folder.js';
import { startFaultyServer } from '../support/receivers/faulty-server.js';
import { ENDED, givenProfile, givenSeed, givenStation } from './support/process.js';

/** By which the receivers of a process are known. */
function keysOf(seed: Seed): string[] {
  const { configuration } = resolveDelivery(seed.options, seed.environment);
  return makeExporters(seed, configuration).exporters.map(laneKey);
}

const KEY = '0123456789abcdef0123456789abcdef';

const CASES: Record<string, [one: Partial<Seed>, other: Partial<Seed>]> = {
  'the key of Datadog': [
    { exporters: ['datadog'], environment: { DD_PROFILING_AGENTLESS: '1', DD_API_KEY: KEY } },
    {
      exporters: ['datadog'],
      environment: { DD_PROFILING_AGENTLESS: '1', DD_API_KEY: KEY.replace('0', '1') },
    },
  ],
  'the key in code': [
    { exporters: ['datadog'], options: { apiKey: `${KEY}\n` } },
    { exporters: ['datadog'], options: { apiKey: `${KEY}0` } },
  ],
  'the user of Pyroscope': [
    {
      exporters: ['pyroscope'],
      environment: { PYROSCOPE_BASIC_AUTH_USER: '111', PYROSCOPE_BASIC_AUTH_PASSWORD: KEY },
    },
    {
      exporters: ['pyroscope'],
      environment: { PYROSCOPE_BASIC_AUTH_USER: '222', PYROSCOPE_BASIC_AUTH_PASSWORD: KEY },
    },
  ],
  'the token of Pyroscope': [
    { exporters: ['pyroscope'], environment: { PYROSCOPE_AUTH_TOKEN: KEY } },
    { exporters: ['pyroscope'], options: { pyroscopeToken: 'another' } },
  ],
  'the headers of OTLP': [
    { exporters: ['otlp'], environment: { OTEL_EXPORTER_OTLP_HEADERS: `authorization=${KEY}` } },
    { exporters: ['otlp'], options: { otlpHeaders: 'authorization=another,x=y' } },
  ],
};

for (const [what, changes] of Object.entries(CASES)) {
  test(`${what} tells accounts apart, and is not in the spool`, (t) => {
    const [one, other] = changes.map((change) => givenSeed({ environment: {}, ...change })) as [Seed, Seed];
    t.is(keysOf(one).length, 1);
    t.notDeepEqual(keysOf(one), keysOf(other));
    for (const seed of [one, other]) {
      t.deepEqual(keysOf(withoutSecrets(seed)), keysOf(seed), 'whoever finds it knows whose it is');
      t.deepEqual(keysOf(withoutSecrets(withoutSecrets(seed))), keysOf(seed));
      const text = readFileSync(join(makeSpoolFolder(temporaryFolder(t), seed), SEED_FILE), 'utf8');
      t.notRegex(text, /0123456789abcdef|another/);
    }
  });
}

test('a new password is no other account, and nothing is kept of it', (t) => {
  const seed = (password: string): Seed =>
    givenSeed({
      exporters: ['pyroscope'],
      environment: { PYROSCOPE_BASIC_AUTH_USER: '111', PYROSCOPE_BASIC_AUTH_PASSWORD: password },
    });
  t.deepEqual(keysOf(seed('old')), keysOf(seed('new')));
  t.deepEqual(withoutSecrets(seed('old')).environment, withoutSecrets(seed('new')).environment);
});

test('what one account has left waits for a process of it', async (t) => {
  const tokens: string[] = [];
  const server = await startFaultyServer(({ headers }) => {
    tokens.push(String(headers.authorization));
    return { status: 200 };
  });
  t.teardown(server.close);
  const root = temporaryFolder(t);
  const seedOf = (account: string, changes: Partial<Seed> = {}): Seed =>
    givenSeed({
      runtimeId: randomUUID(),
      exporters: ['otlp'],
      environment: {
        OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT: server.url,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${account}`,
      },
      ...changes,
    });
  const left = seedOf('one', ENDED);
  const [attachment] = givenProfile(givenIdentity(), 0).attachments;
  writeFileSync(
    join(makeSpoolFolder(root, left), `profile.${left.pid}.0.wall.pprof`),
    attachment?.data ?? '',
  );
  for (const account of ['other', 'one']) {
    const seed = seedOf(account);
    const station = givenStation(seed, { root, folder: makeSpoolFolder(root, seed) });
    station.look();
    await station.finish(20_000);
    station.close();
    t.deepEqual(tokens, account === 'one' ? ['one'] : []);
  }
});
