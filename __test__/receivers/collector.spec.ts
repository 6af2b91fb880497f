import test from 'ava';
import { startCollector } from '../support/real-receivers/collector.js';
import { send } from '../support/real-receivers/http.js';

/** A field of a protocol buffer: a varint, 64 bits that are a bigint, or bytes. No value here needs more than 14 bits. */
function field(number: number, value: number | bigint | string | Buffer): Buffer {
  const small = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
  if (typeof value === 'number') return Buffer.from([number << 3, ...small(value)]);
  if (typeof value === 'bigint') {
    const bytes = Buffer.alloc(9, (number << 3) | 1);
    bytes.writeBigUInt64LE(value, 1);
    return bytes;
  }
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...small(bytes.length)]), bytes]);
}

const message = (number: number, ...fields: Buffer[]): Buffer => field(number, Buffer.concat(fields));

const STRINGS = ['', 'cpu', 'nanoseconds', 'leaf', 'root', 'app.js', 'thread.name', 'main'];
const START = 1_795_921_340_000_000_000n;

/** Two samples of one CPU profile, `root;leaf` and `root`; `stack` is the index of the second one's. */
function request(stack = 2): Buffer {
  const dictionary = message(
    2,
    message(1),
    message(2),
    message(2, message(3, field(1, 1), field(2, 11))),
    message(2, message(3, field(1, 2), field(2, 3))),
    message(3),
    message(3, field(1, 3), field(3, 5)),
    message(3, field(1, 4), field(3, 5)),
    message(4),
    ...STRINGS.map((text) => field(5, text)),
    message(6),
    message(6, field(1, 6), message(2, field(1, 'main'))),
    message(7),
    message(7, field(1, Buffer.from([1, 2]))),
    message(7, field(1, Buffer.from([2]))),
  );
  const type = [field(1, 1), field(2, 2)];
  const samples = [
    message(2, field(1, 1), field(2, Buffer.from([1])), field(4, Buffer.from([101]))),
    message(2, field(1, stack), field(4, Buffer.from([7]))),
  ];
  const profile = message(
    2,
    message(1, ...type),
    ...samples,
    field(3, START),
    field(4, 1000),
    message(5, ...type),
  );
  const service = message(1, field(1, 'service.name'), message(2, field(1, 'shop')));
  const scope = message(1, field(1, 'everflame'));
  return Buffer.concat([message(1, message(1, service), message(2, scope, profile)), dictionary]);
}

const headers = { 'Content-Type': 'application/x-protobuf' };

test('the OpenTelemetry Collector takes a profile and reads all of it', async (t) => {
  const collector = await startCollector(t);
  const url = `${collector.url}/v1development/profiles`;
  const answer = await send({ url, headers, body: request() });
  t.is(answer.status, 200, answer.body);
  const [profile, ...others] = await collector.received(1);
  t.deepEqual(others, []);
  t.deepEqual(profile?.resource, { 'service.name': 'shop' });
  t.is(profile?.scope, 'everflame');
  t.is(`${profile?.type}/${profile?.unit}`, 'cpu/nanoseconds');
  t.is(profile?.start, START);
  t.deepEqual(
    profile?.samples.map(({ stack, values, attributes }) => ({
      stack: stack.map(({ name, file, line }) => `${name} ${file}:${line}`),
      values,
      attributes,
    })),
    [
      { stack: ['root app.js:3', 'leaf app.js:11'], values: [101], attributes: { 'thread.name': 'main' } },
      { stack: ['root app.js:3'], values: [7], attributes: {} },
    ],
  );
});

test('the OpenTelemetry Collector refuses what it cannot read, for good', async (t) => {
  const { url } = await startCollector(t);
  const sent = (body: Buffer) => send({ url: `${url}/v1development/profiles`, headers, body });
  t.is((await sent(Buffer.from('no protocol buffer'))).status, 400);
  const dangling = await sent(request(9));
  t.is(dangling.status, 400);
  t.regex(dangling.body, /stack/);
  t.is((await send({ url: `${url}/v1/profiles`, headers, body: request() })).status, 404);
});
