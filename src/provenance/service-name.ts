import { basename, extname } from 'node:path';
import { shown } from '../config/plain-text';
import { nearestManifest, ownFolder, type Program, scriptOf } from './main-package';
import type { Result } from './result';

/** In bytes. The Agent cuts what is longer, and profiles would not be found beside their traces (MaxServiceLen of its normalizer). */
const LONGEST = 100;
/** A service of which nothing says what it is called. */
export const UNNAMED = 'unnamed-node-service';

export interface ServiceName {
  name: string;
  /** Whether the user named it. */
  isGiven: boolean;
}

/**
 * The service that profiles belong to: the one given, or the name of the program's package, or of its script. It is brought into
 * the form that receivers give it anyway, so that the name is the same everywhere.
 */
export function resolveServiceName(given: string | undefined, program: Program): Result<ServiceName> {
  const warnings: string[] = [];
  if (given?.trim()) {
    const name = normalServiceName(given);
    if (name !== given.trim()) warnings.push(changedWarning(given, name));
    if (name !== '') return { value: { name, isGiven: true }, warnings };
  }
  const script = scriptOf(program) ?? '';
  const candidates = [nearestManifest(ownFolder(program))?.name ?? '', basename(script, extname(script))];
  const name = candidates.map(normalServiceName).find((candidate) => candidate !== '') ?? UNNAMED;
  return { value: { name, isGiven: false }, warnings };
}

/**
 * What Datadog makes of a service's name, but for the case of letters, which it does not tell apart: letters, digits and
 * `_-:./`, a letter first, 100 characters (https://docs.datadoghq.com/getting_started/tagging/#define-tags).
 */
export function normalServiceName(text: string): string {
  const name = text
    .trim()
    .replace(/[^\p{L}\p{Nd}_\-:./]+/gu, '_')
    .replace(/^\P{L}+/u, '');
  // A character that the limit cuts in two is left out whole.
  const cut = Buffer.from(name)
    .subarray(0, LONGEST)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
  return cut.replace(/[_:]+$/, '');
}

function changedWarning(given: string, name: string): string {
  const rule = `a service has at most ${LONGEST} letters, digits and the signs _ - : . /, and begins with a letter`;
  const used = name === '' ? 'it is left unset' : `${shown(name)} is used instead`;
  return `The service is ${shown(given)}, but ${rule}; ${used}. Name it with DD_SERVICE.`;
}
