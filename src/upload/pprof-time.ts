import { gunzipSync } from 'node:zlib';
import { whyNotRecords } from '../profile/wire';
import { Records } from './pprof/records';

/** Most bytes of a profile, decompressed: a sampler at its default cap of memory makes a fraction of it. */
const MOST_BYTES = 256 * 1024 * 1024;

/** The time that a profile covers, in nanoseconds since the epoch. Throws where it is none, or is cut short. */
export function timeOf(data: Buffer): { start: bigint; end: bigint } {
  const plain = gunzipSync(data, { maxOutputLength: MOST_BYTES });
  const obstacle = plain.length === 0 ? 'it is empty' : whyNotRecords(plain, MOST_BYTES);
  if (obstacle !== undefined) throw new Error(obstacle);
  // `time_nanos` and `duration_nanos` of profile.proto; what else is in it nobody asks for.
  const records = new Records(plain);
  const start = BigInt(records.number(9));
  return { start, end: start + BigInt(records.number(10)) };
}
