import * as zlib from 'node:zlib';
import { Message, type Schema } from './wire';

const PROFILE: Schema = {
  1: ['sampleType', 'message'],
  2: ['sample', 'message'],
  3: ['mapping', 'message'],
  4: ['location', 'message'],
  5: ['function', 'message'],
  6: ['string', 'text'],
  7: ['dropFrames', 'varint'],
  8: ['keepFrames', 'varint'],
  9: ['timeNanos', 'varint'],
  10: ['durationNanos', 'varint'],
  11: ['periodType', 'message'],
  12: ['period', 'varint'],
  13: ['comment', 'list'],
  14: ['defaultSampleType', 'varint'],
  15: ['docUrl', 'varint'],
};
const VALUE_TYPE: Schema = { 1: ['type', 'varint'], 2: ['unit', 'varint'] };
const SAMPLE: Schema = { 1: ['location', 'list'], 2: ['value', 'list'], 3: ['label', 'message'] };
const LABEL: Schema = {
  1: ['key', 'varint'],
  2: ['str', 'varint'],
  3: ['num', 'varint'],
  4: ['unit', 'varint'],
};
const MAPPING: Schema = {
  1: ['id', 'varint'],
  2: ['start', 'varint'],
  3: ['limit', 'varint'],
  4: ['offset', 'varint'],
  5: ['filename', 'varint'],
  6: ['buildId', 'varint'],
  7: ['hasFunctions', 'varint'],
  8: ['hasFilenames', 'varint'],
  9: ['hasLineNumbers', 'varint'],
  10: ['hasInlineFrames', 'varint'],
};
const LOCATION: Schema = {
  1: ['id', 'varint'],
  2: ['mapping', 'varint'],
  3: ['address', 'varint'],
  4: ['line', 'message'],
  5: ['folded', 'varint'],
};
const LINE: Schema = { 1: ['function', 'varint'], 2: ['line', 'varint'], 3: ['column', 'varint'] };
const FUNCTION: Schema = {
  1: ['id', 'varint'],
  2: ['name', 'varint'],
  3: ['systemName', 'varint'],
  4: ['filename', 'varint'],
  5: ['startLine', 'varint'],
};

/** A sample as a receiver understands it. */
export interface CheckedSample {
  values: bigint[];
  /** `file:line function`, from root to leaf. */
  stack: string[];
  /** Numbers are `bigint`. */
  labels: Map<string, string | bigint>;
}

/** A profile that keeps the format's rules. */
export interface CheckedProfile {
  types: string[];
  units: string[];
  samples: CheckedSample[];
  /** Sum of each kind of value, by type. */
  totals: Map<string, bigint>;
  /** Size without compression. */
  bytes: number;
  timeNanos: bigint;
  durationNanos: bigint;
  /** Type and unit with a slash between them. */
  periodType: string;
  period: bigint;
}

/** The bytes of a profile, decompressed by what they begin with. */
export function plainBytes(data: Buffer): { plain: Buffer; compression: 'gzip' | 'zstd' | 'none' } {
  if (data.readUInt16BE(0) === 0x1f8b) return { plain: zlib.gunzipSync(data), compression: 'gzip' };
  if (data.readUInt32BE(0) === 0x28b52ffd) {
    const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (data: Buffer) => Buffer };
    if (!zstdDecompressSync) throw new Error('this Node.js cannot read Zstandard');
    return { plain: zstdDecompressSync(data), compression: 'zstd' };
  }
  return { plain: data, compression: 'none' };
}

/** Reads a profile.proto strictly. Throws an error that says which rule it breaks. */
export function checkProfile(plain: Buffer): CheckedProfile {
  const profile = new Message(plain, 'Profile', PROFILE);
  const strings = profile.all<string>('string');
  if (strings[0] !== '') throw new Error('string_table[0] is not empty');
  const text = (index: bigint): string => {
    const found = strings[Number(index)];
    if (found === undefined) throw new Error(`there is no string ${index}`);
    return found;
  };
  const table = (name: string, schema: Schema): Map<bigint, Message> => {
    const entries = profile.all<Buffer>(name).map((data) => new Message(data, name, schema));
    const byId = new Map(entries.map((entry) => [entry.number('id'), entry]));
    if (byId.has(0n)) throw new Error(`a ${name} has id 0`);
    if (byId.size !== entries.length) throw new Error(`an id of a ${name} is there twice`);
    return byId;
  };
  const mappings = table('mapping', MAPPING);
  const functions = table('function', FUNCTION);
  const locations = table('location', LOCATION);
  const find = (entries: Map<bigint, Message>, name: string, id: bigint): Message => {
    const found = entries.get(id);
    if (!found) throw new Error(`there is no ${name} ${id}`);
    return found;
  };
  for (const mapping of mappings.values()) text(mapping.number('filename'));
  const frames = new Map(
    [...locations].map(([id, location]) => {
      const mapping = location.number('mapping');
      const module = mapping === 0n ? '' : text(find(mappings, 'mapping', mapping).number('filename'));
      const lines = location.all<Buffer>('line').map((data) => {
        const line = new Message(data, 'line', LINE);
        const entry = find(functions, 'function', line.number('function'));
        const file = text(entry.number('filename')) || module;
        return `${file}:${line.signed('line')} ${text(entry.number('name'))}`;
      });
      return [id, lines] as const;
    }),
  );
  const kinds = profile.all<Buffer>('sampleType').map((data) => new Message(data, 'sampleType', VALUE_TYPE));
  if (kinds.length === 0) throw new Error('there is no sample type');
  const types = kinds.map((kind) => text(kind.number('type')));
  const totals = new Map(types.map((type) => [type, 0n]));
  const samples = profile.all<Buffer>('sample').map((data): CheckedSample => {
    const sample = new Message(data, 'sample', SAMPLE);
    const values = sample.all<bigint>('value').map((value) => BigInt.asIntN(64, value));
    if (values.length !== types.length) throw new Error(`a sample has ${values.length} values`);
    values.forEach((value, index) => {
      if (value < 0n) throw new Error('a value is below zero');
      const type = types[index] as string;
      totals.set(type, (totals.get(type) ?? 0n) + value);
    });
    const stack = sample.all<bigint>('location').flatMap((id) => {
      const found = frames.get(id);
      if (!found) throw new Error(`there is no location ${id}`);
      return found;
    });
    const labels = new Map(
      sample.all<Buffer>('label').map((bytes) => {
        const label = new Message(bytes, 'label', LABEL);
        const key = text(label.number('key'));
        if (key === '') throw new Error('a label has no key');
        if (label.has('str') && label.has('num')) throw new Error(`label ${key} is a text and a number`);
        return [key, label.has('str') ? text(label.number('str')) : label.signed('num')] as const;
      }),
    );
    if (labels.size !== sample.all('label').length) throw new Error('a sample has a label twice');
    return { values, stack: stack.reverse(), labels };
  });
  const periodType = new Message(profile.bytes('periodType'), 'periodType', VALUE_TYPE);
  return {
    types,
    units: kinds.map((kind) => text(kind.number('unit'))),
    samples,
    totals,
    bytes: plain.length,
    timeNanos: profile.number('timeNanos'),
    durationNanos: profile.number('durationNanos'),
    periodType: `${text(periodType.number('type'))}/${text(periodType.number('unit'))}`,
    period: profile.number('period'),
  };
}
