import { join } from 'node:path';
import { readPlain, replace } from './spool-file';
import type { SpooledFile } from './spool-folder';
import type { Attachment, SnapshotReason, Upload } from './upload';

/** Most bytes of a note: that of a service with ten thousand endpoints has less. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Nanoseconds since the epoch, up to the year 9999. */
const NANOSECONDS = /^\d{1,21}$/;
const LATEST = 253_402_300_799_000_000_000n;

/** What stands beside a profile in the spool; the sampler writes profiles without it. */
export interface Note {
  sequence: number;
  /** In nanoseconds since the epoch, as text: JSON has no such numbers. */
  start: string;
  end: string;
  reason: SnapshotReason;
  /** Further files of the upload, by their names. */
  attachments: string[];
  endpointCounts?: Record<string, number>;
  customAttributes?: string[];
  internal: Record<string, number>;
  /** To which receivers it is still to be sent, and which parts each of them has. */
  pending: Record<string, string[]>;
}

/** The note of an upload. */
export function noteFor(upload: Upload, others: readonly Attachment[], pending: Note['pending']): Note {
  const { sequence, start, end, reason, endpointCounts, customAttributes, internal } = upload;
  return {
    sequence,
    start: String(start),
    end: String(end),
    reason,
    attachments: others.map(({ name }) => name),
    ...(endpointCounts ? { endpointCounts } : {}),
    ...(customAttributes ? { customAttributes } : {}),
    internal,
    pending,
  };
}

export function notePath({ folder, base }: SpooledFile): string {
  return join(folder, `${base}.json`);
}

/** Throws the system's error. */
export function writeNote(file: SpooledFile, note: Note): void {
  replace(notePath(file), Buffer.from(JSON.stringify(note)));
}

/** The note beside a profile; undefined where there is none that can be read. */
export function readNote(file: SpooledFile): Note | undefined {
  try {
    const note: unknown = JSON.parse(readPlain(notePath(file), MOST_BYTES).toString());
    return isNote(note) ? note : undefined;
  } catch {
    // The profile itself tells its time, and goes to all receivers of its process.
    return undefined;
  }
}

/** Whether it is one in each field: others can write there, and a note of another version may be there. */
function isNote(value: unknown): value is Note {
  const note = Object(value) as Record<keyof Note, unknown>;
  const { sequence, start, end, reason, attachments, endpointCounts, customAttributes } = note;
  return (
    isTime(start) &&
    isTime(end) &&
    Number.isSafeInteger(sequence) &&
    Number(sequence) >= 0 &&
    (reason === 'periodic' || reason === 'on_shutdown') &&
    isTexts(attachments) &&
    attachments.every((name) => /^\w[\w.-]*$/.test(name)) &&
    (endpointCounts === undefined || isRecord(endpointCounts, isNumber)) &&
    (customAttributes === undefined || isTexts(customAttributes)) &&
    isRecord(note.internal, isNumber) &&
    isRecord(note.pending, isTexts)
  );
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && NANOSECONDS.test(value) && BigInt(value) <= LATEST;
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function isRecord(value: unknown, isRight: (field: unknown) => boolean): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(isRight);
}
