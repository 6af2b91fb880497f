/** What an import takes, for whoever has something else. */
export const ACCEPTED =
  'Accepted are pprof, .cpuprofile and .heapprofile of V8, speedscope JSON and collapsed stacks, plain or compressed with gzip';

/** Why a file is no profile that can be shown: what it was read as and where that ended, as a part of a sentence. */
export class NotImportable extends Error {
  override name = 'NotImportable';
}

/** A text of the file for a message: as a JSON string, and not all of a long one. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
