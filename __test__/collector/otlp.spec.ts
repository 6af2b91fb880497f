/** Profiles over OTLP/HTTP. */
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { judge } from '#src/upload/exporters/otlp/verdict.js';
import type { Answer } from '#src/upload/upload.js';
import { type Got, openCollector } from './support/collector.js';

const PATH = '/v1development/profiles';
const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };

/** What an exporter makes of an answer. */
function verdictOf({ status, headers, body }: Got) {
  return judge({ status, headers: headers as Answer['headers'], body }, 2);
}

test('a request is handed on as it is, without its encoding', async (t) => {
  const { ask, store } = await openCollector(t);
  const message = Buffer.from([0x12, 0x00]);
  for (const [headers, body] of [
    [PROTOBUF, message],
    [{ ...PROTOBUF, 'Content-Encoding': 'gzip' }, gzipSync(message)],
    [JSON_TYPE, '{"resourceProfiles":[]}'],
    [{ ...JSON_TYPE, 'Content-Encoding': 'gzip' }, gzipSync('{"resourceProfiles":[]}')],
  ] as const) {
    const got = await ask(PATH, { method: 'POST', headers, body });
    t.is(got.status, 200, got.text);
    t.is(got.headers['content-type'], headers['Content-Type'].split(';')[0]);
    t.deepEqual(verdictOf(got), { kind: 'delivered' });
  }
  const plain = { service: '', tags: [], start: 0n, end: 0n, client: 'unknown' };
  const json = Buffer.from('{"resourceProfiles":[]}');
  t.deepEqual(
    store.uploads,
    (['otlp', 'otlp', 'otlp-json', 'otlp-json'] as const).map((format) => ({
      ...plain,
      profiles: [{ name: 'otlp', format, data: format === 'otlp' ? message : json }],
    })),
  );
});

test('what was not kept is told as OTLP has it', async (t) => {
  const { ask, store } = await openCollector(t);
  store.ingest = async () => [
    {
      profiles: [
        { state: 'kept', samples: 1 },
        { state: 'refused', reason: 'it has no samples', samples: 0 },
      ],
    },
  ];
  for (const headers of [PROTOBUF, JSON_TYPE]) {
    const got = await ask(PATH, { method: 'POST', headers, body: 'x' });
    t.is(got.status, 200);
    t.deepEqual(verdictOf(got), {
      kind: 'refused',
      reason: '1 of 2 profiles not taken: it has no samples',
      remedy: 'What the receiver says, or its log, tells why.',
      isPart: true,
    });
  }
});

test('an error has a status with its sentence', async (t) => {
  const { ask, store } = await openCollector(t, { limits: { decompressedBytes: 1024 * 1024 } });
  store.refuses = () => 'it is no profile';
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  for (const [headers, body, status, sentence] of [
    [PROTOBUF, '', 400, /there is no profile in the request\. Send one\./],
    [PROTOBUF, 'x', 400, /nothing of it was kept: it is no profile\./],
    [
      { 'Content-Type': 'text/plain' },
      'x',
      415,
      /OTLP is application\/x-protobuf or application\/json here\./,
    ],
    [{ ...PROTOBUF, 'Content-Encoding': 'gzip' }, bomb, 413, /more than 1 MiB when it is unpacked\./],
    [{ ...JSON_TYPE, 'Content-Encoding': 'gzip' }, bomb, 413, /more than 1 MiB when it is unpacked\./],
  ] as const) {
    const got = await ask(PATH, { method: 'POST', headers, body });
    t.is(got.status, status);
    const verdict = verdictOf(got);
    t.regex('reason' in verdict ? verdict.reason : '', sentence);
  }
});
