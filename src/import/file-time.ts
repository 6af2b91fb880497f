import { MOST_VALUE } from './limits';
import { NotImportable } from './not-importable';

/** What is known of a file beside its bytes. */
export interface FileFacts {
  name: string;
  /** When it was written last, in milliseconds since the epoch. */
  modified: number;
}

const MILLISECOND = 1_000_000n;
const DAY = 24 * 3600 * 1000;
/** Before that nobody took profiles, and no clock that counts from a machine's start comes so far: 2001-01-01, in milliseconds. */
const FIRST = 978_307_200_000;

/**
 * When a profile of a file begins, in nanoseconds since the epoch. Most formats tell times by a clock of the machine that has no
 * date: then the file was written when the profile ended. Throws NotImportable for a duration that cannot be.
 * @param modified of the file, milliseconds since the epoch
 * @param told by the file, in milliseconds of a clock that may have a date
 */
export function startOf(modified: number, durationNanoseconds: number, told: number): bigint {
  if (!(durationNanoseconds <= MOST_VALUE))
    throw new NotImportable(
      `its times are ${(durationNanoseconds / 86_400e9).toPrecision(3)} days apart, more than can be told in nanoseconds`,
    );
  const now = Date.now();
  if (told >= FIRST && told <= now + DAY) return BigInt(Math.round(told * 1e6));
  // A file from a clock that is ahead is of now, and one without a date (archives have 1970) begins there.
  const end = BigInt(Math.round(Math.min(Math.max(modified, 0), now))) * MILLISECOND;
  const start = end - BigInt(durationNanoseconds);
  // Zero stands for no time at all.
  return start > 0n ? start : 1n;
}
