/** What a search looks at. */
export interface Searched {
  name: string;
  file: string;
  package: string;
}

/** Before the whole name of a package; a part of it would be in the paths of many files, as `node` is in `node_modules`. */
const PACKAGE = 'package:';

/** Behind the name of a package; functions are not told apart by it. */
const VERSION = /(?<=.)@[^@/]*$/;

/** The search that finds a package, and nothing else. */
export function packageSearch(name: string): string {
  return PACKAGE + name;
}

/**
 * Whether something is found: where its name, file or package holds the text, in upper or lower case, or, behind `package:`, where
 * that is its package, or the package without the version. Undefined for an empty text, which is no search.
 */
export function searchFor(text: string): ((searched: Searched) => boolean) | undefined {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return undefined;
  const whole = wanted.startsWith(PACKAGE) ? wanted.slice(PACKAGE.length).trim() : '';
  if (whole !== '') {
    const either = [whole, whole.replace(VERSION, '')];
    return (searched) => either.includes(searched.package.toLowerCase());
  }
  const holds = (field: string) => field.toLowerCase().includes(wanted);
  return ({ name, file, package: of }) => holds(name) || holds(file) || holds(of);
}
