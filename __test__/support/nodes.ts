/** A Node.js to run workloads with. */
export interface TestNode {
  /** Major version, such as `22`. */
  major: string;
  path: string;
}

/** The Node.js releases named by EVERFLAME_TEST_NODES (`20=/path/to/node,22=…`), or the one that runs the tests. */
export function testNodes(): TestNode[] {
  const named = process.env.EVERFLAME_TEST_NODES;
  if (!named) return [{ major: process.versions.node.split('.')[0] ?? '', path: process.execPath }];
  return named.split(',').map((entry) => {
    const [major, path] = entry.split('=');
    if (!major || !path) throw new Error(`EVERFLAME_TEST_NODES has "${entry}" instead of <major>=<path>`);
    return { major, path };
  });
}
