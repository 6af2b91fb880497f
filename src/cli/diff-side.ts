import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EverflameError } from '../engine';
import { reasonOf } from '../log';
import { readRange } from './read-time';
import type { SelectionOptions } from './select';

/** One of the two that are compared: files, or a part of what the store has. */
export type DiffSide = { text: string; files: string[] } | { text: string; options: SelectionOptions };

/** The key by which a service is named, as if it were a tag. */
const SERVICE = 'service:';

/**
 * What a word of the command line means: a file or a folder of profiles, a range of time (`2h..1h`), a service (`service:shop`), or
 * samples and processes with a label or tag (`version:1.2`). A file that is there wins. `options` are those for both sides. Throws
 * an EverflameError for a word that is none of these.
 */
export function readDiffSide(text: string, options: SelectionOptions, now: number): DiffSide {
  if (existsSync(text)) return { text, files: filesAt(text) };
  const range = readRange(text, now);
  if (range) {
    if (options.from ?? options.to ?? options.last)
      throw badSide(text, 'is a range of time: leave out --from, --to and --last');
    const ends = text.split('..');
    return { text, options: { ...options, ...given('from', ends[0]), ...given('to', ends[1]) } };
  }
  if (text.startsWith(SERVICE)) {
    if (options.service !== undefined) throw badSide(text, 'names a service: leave out --service');
    return { text, options: { ...options, service: text.slice(SERVICE.length) } };
  }
  if (/^!?[^:/]+:/.test(text))
    return { text, options: { ...options, where: [...(options.where ?? []), text] } };
  throw badSide(
    text,
    'is no file that is there, and no part of the store. Give a profile or a folder of profiles, a range of time such as 2h..1h, or a tag or label such as version:1.2',
  );
}

/** An end of a range that is not left open. */
function given(name: 'from' | 'to', end: string | undefined): SelectionOptions {
  return end ? { [name]: end } : {};
}

/** The profiles of a folder, those of its folders not. */
function filesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  let names: string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    throw badSide(path, `cannot be read: ${reasonOf(error)}. Give yourself the right to read it`);
  }
  const files = names
    .filter((name) => /\.pprof(\.gz)?$|\.pb\.gz$/.test(name))
    .sort()
    .map((name) => join(path, basename(name)));
  if (files.length === 0)
    throw badSide(path, 'is a folder without profiles (*.pprof, *.pb.gz). Name a file, or another folder');
  return files;
}

function badSide(text: string, sentence: string): EverflameError {
  return new EverflameError('BAD_SIDE', `${JSON.stringify(text)} ${sentence}`);
}
