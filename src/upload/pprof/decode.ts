import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { messageOf } from '../../log';
import { SampleReader } from './decode-samples';
import { TableReader } from './decode-tables';
import type { PprofProfile } from './model';
import { Records } from './records';

const decompress = promisify(gunzip);

/** Most bytes of a profile, decompressed: a sampler at its memory cap makes a tenth of it. */
const MOST_BYTES = 256 * 1024 * 1024;

/** Reads a profile.proto, compressed with gzip or plain. Throws an error with its name where it is none. */
export async function decodeProfile(name: string, data: Buffer): Promise<PprofProfile> {
  try {
    const isGzip = data[0] === 0x1f && data[1] === 0x8b;
    return decode(isGzip ? await decompress(data, { maxOutputLength: MOST_BYTES }) : data);
  } catch (error) {
    throw new Error(`${name} is not a profile: ${messageOf(error)}`, { cause: error });
  }
}

/** Texts first, then what points at them, then the samples, which point at all. Fields of `Profile`: profile.proto of google/pprof. */
function decode(data: Buffer): PprofProfile {
  const records = new Records(data);
  const tables = new TableReader(records, 6);
  const types = records.each(1, () => tables.valueType());
  const mappings = records.each(3, (index) => tables.mapping(index));
  const functions = records.each(5, (index) => tables.function(index));
  const locations = records.each(4, (index) => tables.location(index));
  const reader = new SampleReader(data, records, tables, types.length);
  const samples = records.each(2, () => reader.sample());
  return {
    types,
    samples,
    stacks: reader.stacks,
    labelSets: reader.labelSets.sets,
    locations,
    functions,
    mappings,
    start: BigInt(records.number(9)),
    durationNanoseconds: BigInt(records.number(10)),
    periodType: records.each(11, () => tables.valueType())[0],
    period: records.number(12),
  };
}
