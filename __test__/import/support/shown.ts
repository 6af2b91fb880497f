import type { ExecutionContext } from 'ava';
import { parsed, type Selection, type Store } from '#src/collector/store.js';
import { convert } from '#src/import/convert.js';
import { Files, type ShownFile } from '#src/import/files.js';
import { openFilesStore } from '#src/import/files-store.js';
import { OF_PAGE } from '#src/import/limits.js';
import { NotImportable } from '#src/import/not-importable.js';
import { Logger } from '#src/log.js';
import type { ProcessLimits } from '#src/own-process.js';
import type { LoadedProfile } from '#src/profile/model.js';
import { decodeProfile } from '#src/profile/read.js';

/** When the files of these tests were written. */
export const WRITTEN = Date.UTC(2026, 0, 15, 12);

/** Files over a store of their own, which goes with the test. */
export function openFiles(t: ExecutionContext, limits: ProcessLimits = OF_PAGE): Files {
  const opened = openFilesStore(new Logger('error'));
  const files = new Files(() => opened, limits);
  t.teardown(async () => {
    await files.close();
    await opened.close();
  });
  return files;
}

/** Takes a file in as a page or a command does. */
export function add(
  files: Files,
  name: string,
  content: string | Buffer,
  modified = WRITTEN,
): Promise<ShownFile> {
  return files.add({ name, path: name, service: name, modified, data: Buffer.from(content) });
}

/** The profiles that a file is turned into. */
export function converted(name: string, content: unknown, modified = WRITTEN): LoadedProfile[] {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return convert(Buffer.from(text), { name, modified }).parts.map((part) =>
    decodeProfile(part.name, part.data),
  );
}

/** Sums of a file by type, as the store gives them. */
export function totals({ types }: ShownFile): Record<string, string> {
  return Object.fromEntries(types.map(({ name, unit, total }) => [name, `${total} ${unit}`]));
}

/** The sentence of a file that is refused. */
export function reason(content: unknown, name = 'file'): string {
  try {
    converted(name, content);
  } catch (error) {
    if (error instanceof NotImportable) return error.message;
    throw error;
  }
  throw new Error('the file was taken');
}

/** The largest answer to a question about a file. */
export interface Table {
  total: number;
  rows: {
    name: string;
    file: string;
    line: number;
    kind: string;
    package: string;
    self: number;
    total: number;
  }[];
}

/** The table of functions of a file, by its store. */
export function table(files: Files, service: string, type: string, by = 'function'): Promise<Table> {
  return tableOf(files, { service, from: 0, to: 8e15, type, where: [] }, by);
}

/** As {@link table}, of a selection. */
export async function tableOf({ store }: Files, selection: Selection, by = 'function'): Promise<Table> {
  return parsed((store as Store).table(selection, { by, limit: 1000 }));
}
