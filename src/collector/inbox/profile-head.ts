import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { RUNTIME_ID_COMMENT } from '../../output/process-name';
import { whyNotRecords } from '../../profile/wire';
import { Records } from '../../upload/pprof/records';

/** Most bytes of a profile, decompressed: a sampler at its default cap of memory makes a fraction of it. */
const MOST_BYTES = 256 * 1024 * 1024;

/** What a profile in the inbox says of itself. Times are nanoseconds since the epoch. */
export interface ProfileHead {
  start: bigint;
  end: bigint;
  /** Of the process that it is of; undefined where it does not say. */
  runtimeId: string | undefined;
}

/** Reads the head of a profile; off the event loop as far as it takes long. Throws with a reason where it is none. */
export async function readHead(data: Buffer): Promise<ProfileHead> {
  const plain = await unpack(data);
  const obstacle = plain.length === 0 ? 'it is empty' : whyNotRecords(plain);
  if (obstacle !== undefined) throw new Error(obstacle);
  const records = new Records(plain);
  // `time_nanos`, `duration_nanos`, `comment` and `string_table` of profile.proto.
  const start = BigInt(records.number(9));
  const end = start + BigInt(records.number(10));
  const comments = new Set<number>([Number(records.number(13))]);
  records.each(13, () => {
    for (const limit = records.end(); records.reader.pos < limit; ) comments.add(records.reader.uint32());
  });
  let runtimeId: string | undefined;
  records.each(6, (index) => {
    if (!comments.has(index)) return;
    const comment = records.reader.string();
    if (comment.startsWith(RUNTIME_ID_COMMENT)) runtimeId = comment.slice(RUNTIME_ID_COMMENT.length);
  });
  return { start, end, runtimeId };
}

async function unpack(data: Buffer): Promise<Buffer> {
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  try {
    return await promisify(gunzip)(data, { maxOutputLength: MOST_BYTES });
  } catch {
    throw new Error(`it is cut short, damaged, or has more than ${MOST_BYTES} bytes`);
  }
}
