import { foldersIn } from './source-name';

/** Files of one package at one place. */
export interface Place {
  /** The package's folder, with a slash at the end; empty for files that stand for themselves. */
  root: string;
  files: Iterable<string>;
}

/**
 * For each place, paths that its files begin with and no file of another place does: a receiver takes the first path that fits,
 * or the longest, or any. So a package's folder stands for it, unless another package lies in there too, as in a package with
 * `node_modules` of its own: then it is its folders that hold no other, and the files beside those.
 */
export function cover(places: readonly Place[]): string[][] {
  const shared = sharedFolders(places);
  const paths = places.map(({ root, files }) => {
    if (root !== '' && !shared.has(root)) return [root];
    return [...new Set([...files].map((file) => shortestOf(file, root, shared)))];
  });
  return withoutBeginnings(paths);
}

/** The folders in which files of more than one place may lie. */
function sharedFolders(places: readonly Place[]): Set<string> {
  const shared = new Set<string>();
  const add = (path: string): void => {
    for (const { prefix } of foldersIn(path)) if (prefix !== path) shared.add(prefix);
  };
  for (const { root, files } of places) {
    if (root !== '') add(root);
    else for (const file of files) add(file);
  }
  return shared;
}

function shortestOf(file: string, root: string, shared: ReadonlySet<string>): string {
  if (root === '') return file;
  const folders = foldersIn(file).filter(({ prefix }) => prefix.length > root.length);
  return folders.find(({ prefix }) => !shared.has(prefix))?.prefix ?? file;
}

/** Leaves out a file whose name is how another place's path begins, as `/app/node` of `/app/node_modules/`. */
function withoutBeginnings(paths: string[][]): string[][] {
  const all = paths.flatMap((some, place) => some.map((path) => ({ path, place })));
  all.sort((a, b) => (a.path < b.path ? -1 : 1));
  const misleading = new Set<string>();
  for (const [index, { path, place }] of all.entries()) {
    if (path.endsWith('/') || path.endsWith('\\')) continue;
    for (let next = index + 1; all[next]?.path.startsWith(path); next++) {
      if (all[next]?.place !== place) misleading.add(path);
    }
  }
  return paths.map((some) => some.filter((path) => !misleading.has(path)));
}
