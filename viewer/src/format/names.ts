const TYPES = new Map([
  ['cpu', 'CPU time'],
  ['wall', 'Wall time'],
  ['sample', 'Samples'],
  ['inuse_space', 'Live heap'],
  ['inuse_objects', 'Live objects'],
  ['alloc_space', 'Allocated'],
  ['alloc_objects', 'Allocations'],
  ['exception-samples', 'Exceptions'],
  ['lock-acquire', 'Lock waits'],
  ['lock-release', 'Lock releases'],
  ['lock-acquire-wait', 'Lock wait time'],
  ['lock-release-hold', 'Lock hold time'],
  ['timeline', 'Events'],
  ['requests', 'Requests'],
]);

/** What a kind of value is called on the page; one that is not known, by its own name. */
export function typeName(type: string): string {
  return TYPES.get(type) ?? type;
}

/** The last two parts of a file's path: what tells files apart, in the width that there is. */
export function shortFile(file: string): string {
  return file.split('/').slice(-2).join('/');
}

/** A file with its line where that is known. */
export function place(file: string, line: number): string {
  return line > 0 ? `${file}:${line}` : file;
}
