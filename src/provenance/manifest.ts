import { plainText } from '../config/plain-text';
import { readSmallText } from './small-file';

/** No package.json of a package that people install is as large. */
const MOST_BYTES = 1024 * 1024;
/** As the registry has it (https://docs.npmjs.com/cli/configuring-npm/package-json). */
const LONGEST_NAME = 214;
const LONGEST_VERSION = 256;
/** Fields of a file that only says how the modules beside it are read; tools put such ones into folders of a package. */
const NOT_OF_A_PACKAGE = new Set(['type', 'sideEffects', 'main', 'module', 'types', 'browser', 'exports']);

/** What a package.json tells. */
export interface Manifest {
  /** Undefined where it has none that is a text. */
  name?: string;
  version?: string;
  /** The `repository` field as it is. */
  repository?: unknown;
  /** Whether it stands at the root of a package, and not in a folder of one. */
  isPackage: boolean;
}

/** Reads a package.json; undefined where there is none that is JSON. */
export function readManifest(path: string): Manifest | undefined {
  const text = readSmallText(path, MOST_BYTES);
  return text === undefined ? undefined : parseManifest(text);
}

function parseManifest(text: string): Manifest | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // Node.js itself says so where it reads that file.
    return undefined;
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return undefined;
  const fields = content as Record<string, unknown>;
  const name = shortText(fields.name, LONGEST_NAME);
  const version = shortText(fields.version, LONGEST_VERSION);
  return {
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(fields.repository === undefined ? {} : { repository: fields.repository }),
    isPackage: name !== undefined || Object.keys(fields).some((key) => !NOT_OF_A_PACKAGE.has(key)),
  };
}

function shortText(value: unknown, longest: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = plainText(value.trim());
  return text === '' || text.length > longest ? undefined : text;
}
