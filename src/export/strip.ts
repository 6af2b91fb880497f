/** What an export leaves out of files' paths and of the values of labels and tags. */
export interface Stripping {
  readonly isOn: boolean;
  file(path: string): string;
  value(key: string, value: string): string;
}

/** Everything stays. */
export const WHOLE: Stripping = { isOn: false, file: (path) => path, value: (_key, value) => value };

/** Threads that the profilers name themselves: they tell nothing of the program. */
const THREADS = /^(Main Event Loop|Worker #\d+ Event Loop|Worker Event Loop #\d+|Non-JS Threads)$/;
/** Names of threads of Node.js and of its libraries are not private either, but nobody can tell them from a program's own. */
const THREAD_NAME = 'thread name';
const PACKAGES = 'node_modules';

/**
 * Takes folders from paths, but for what is inside a package, and puts numbers in place of values: equal ones have equal numbers, so
 * that they still can be told apart and compared. Two files of one name are told apart by a number as well.
 */
export function makeStripping(): Stripping {
  const files = new Map<string, string>();
  const named = new Map<string, number>();
  const values = new Map<string, Map<string, number>>();
  return {
    isOn: true,
    file(path) {
      const known = files.get(path);
      if (known !== undefined) return known;
      const name = withoutFolders(path);
      const count = (named.get(name) ?? 0) + 1;
      named.set(name, count);
      const shown = count === 1 ? name : `${name} (${count})`;
      files.set(path, shown);
      return shown;
    },
    value(key, value) {
      if (value === '' || (key === THREAD_NAME && THREADS.test(value))) return value;
      const ofKey = values.get(key) ?? new Map<string, number>();
      values.set(key, ofKey);
      const number = ofKey.get(value) ?? ofKey.size + 1;
      ofKey.set(value, number);
      return `#${number}`;
    },
  };
}

function withoutFolders(path: string): string {
  if (path.startsWith('node:')) return path;
  const segments = path.split(/[/\\]/);
  const packages = segments.lastIndexOf(PACKAGES);
  if (packages >= 0) return segments.slice(packages).join('/');
  // Of a path that ends with a slash the name is before it.
  return segments.findLast((segment) => segment !== '') ?? path;
}
