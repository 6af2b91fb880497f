import type { Limits } from '../limits';
import type { UploadedPackage } from '../store';
import { nameOf, type Part } from './multipart';

/** The attachment in which Datadog's clients tell whose code is in their profiles. */
const NAME = 'code-provenance.json';
/** Of the attachment: what is parsed becomes many times as large. A service of five hundred packages has some tens of kilobytes. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Of one upload. Everflame's own has 30,000 file names at most, and the folder of a package stands for all of its files. */
const MOST = 30_000;

export function isProvenance(part: Part): boolean {
  return nameOf(part) === NAME;
}

/**
 * The packages that the attachment tells of, and their versions. What is none of its form is passed over: profiles are shown by the
 * names of packages then.
 */
export function readProvenance(
  { data }: Part,
  { nameCharacters, tagValueCharacters }: Limits,
): UploadedPackage[] {
  const isText = (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && value.length <= tagValueCharacters;
  const isName = (value: unknown): value is string => isText(value) && value.length <= nameCharacters / 2;
  return entriesOf(data)
    .flatMap(({ kind, name, version, paths }) =>
      kind === 'library' && isName(name) && isName(version) && Array.isArray(paths)
        ? paths.filter(isText).map((path) => ({ path, package: `${name}@${version}` }))
        : [],
    )
    .slice(0, MOST);
}

function entriesOf(data: Buffer): Record<string, unknown>[] {
  if (data.length > MOST_BYTES) return [];
  try {
    const { v1 } = Object(JSON.parse(data.toString())) as { v1?: unknown };
    return Array.isArray(v1) ? v1.map((entry) => Object(entry) as Record<string, unknown>) : [];
  } catch {
    return [];
  }
}
