import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { malformed, type Refusal, tooLarge } from '../http/refusal';

/** A series of `push.v1.PushRequest`: labels, and profiles that have them. */
export interface Series {
  labels: [name: string, value: string][];
  profiles: Buffer[];
}

/**
 * What a push is made of, in records of protobuf or in signs of JSON that begin something. Each becomes an object or more: without
 * a limit, the hundredth part of a mebibyte of gzip would take all of V8's heap. As many labels as all its profiles may have are some thousands.
 */
const MOST_RECORDS = 100_000;

/** `PushRequest.series` is 1; of a series `labels` is 1 and `samples` 2; of a sample `raw_profile` is 1. Throws a Refusal. */
export function seriesFromProtobuf(body: Buffer): Series[] {
  const reader = new PushReader();
  return reader.messages(body, 1).map((series) => ({
    labels: reader.messages(series, 1).map((label) => [reader.text(label, 1), reader.text(label, 2)]),
    profiles: reader.messages(series, 2).flatMap((sample) => reader.messages(sample, 1)),
  }));
}

/** Reads all messages of a push, and counts what they have together. */
class PushReader {
  private records = 0;

  /** Views into the bytes given: the records of one field. */
  messages(data: Buffer, field: number): Buffer[] {
    const found: Buffer[] = [];
    const reader = new BinaryReader(data);
    while (reader.pos < reader.len) {
      this.records += 1;
      if (this.records > MOST_RECORDS) throw tooMany();
      const bytes = next(reader, field);
      if (bytes) found.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    }
    return found;
  }

  text(data: Buffer, field: number): string {
    return this.messages(data, field).at(-1)?.toString() ?? '';
  }
}

/** Reads a record, and returns its bytes where it is of a field. */
function next(reader: BinaryReader, field: number): Uint8Array | undefined {
  try {
    const [number, type] = reader.tag();
    // Groups are of protobuf's first version, and one may have any number of others in it.
    if (type === WireType.StartGroup) throw new Error('it is a group');
    if (type !== WireType.LengthDelimited) {
      reader.skip(type, number);
      return undefined;
    }
    const bytes = reader.bytes();
    return number === field ? bytes : undefined;
  } catch {
    throw malformed('the body is no push.v1.PushRequest, or is cut short. Send it whole.');
  }
}

/** The same as protobuf's JSON has it. Throws a Refusal. */
export function seriesFromJson(body: Buffer): Series[] {
  return list(parse(body), 'series').map((series) => ({
    labels: list(series, 'labels').map((label) => {
      const { name, value } = Object(label) as Record<string, unknown>;
      return [String(name ?? ''), String(value ?? '')];
    }),
    profiles: list(series, 'samples').map((sample) => {
      const { rawProfile, raw_profile: plain } = Object(sample) as Record<string, unknown>;
      const data = rawProfile ?? plain;
      if (typeof data === 'string' && data !== '') return Buffer.from(data, 'base64');
      throw malformed('a sample of the push has no rawProfile. Send it as base64.');
    }),
  }));
}

function parse(body: Buffer): unknown {
  // Those within texts too: it is not worth telling them apart.
  let signs = 0;
  for (const sign of [',', '[', '{']) {
    for (let place = body.indexOf(sign); place >= 0; place = body.indexOf(sign, place + 1)) {
      signs += 1;
      if (signs > MOST_RECORDS) throw tooMany();
    }
  }
  try {
    return JSON.parse(body.toString());
  } catch {
    throw malformed('the body is no JSON, or is cut short. Send it whole.');
  }
}

function tooMany(): Refusal {
  return tooLarge(`the push is made of more than ${MOST_RECORDS} parts. Send fewer series in one.`);
}

function list(value: unknown, key: string): unknown[] {
  const found = (Object(value) as Record<string, unknown>)[key];
  if (found === undefined || found === null) return [];
  if (Array.isArray(found)) return found;
  throw malformed(`${key} of the push is no list. Send it as push.v1.PushRequest has it.`);
}
