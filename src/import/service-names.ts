/** A name that nobody has: the one that is wished for, else with a number behind it. */
export function freeName(wished: string, isTaken: (name: string) => boolean): string {
  let name = wished;
  for (let number = 2; isTaken(name); number++) name = `${wished} (${number})`;
  return name;
}

/**
 * A name for each path: the file's own, and with as many folders before it as tell those apart that have the same. Paths are whole, and
 * each is there once.
 */
export function namesOf(paths: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  let left = [...paths];
  for (let parts = 1; left.length > 0; parts++) {
    const byName = new Map<string, string[]>();
    for (const path of left) {
      const name = lastParts(path, parts);
      byName.set(name, [...(byName.get(name) ?? []), path]);
    }
    left = [];
    for (const [name, same] of byName) {
      const [path] = same;
      if (same.length === 1 && path !== undefined) names.set(path, name);
      else left.push(...same);
    }
  }
  return names;
}

function lastParts(path: string, count: number): string {
  return path.split('/').filter(Boolean).slice(-count).join('/');
}
