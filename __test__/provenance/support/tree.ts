import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What is at a path: the text of a file, what is written to a package.json, or `link` to another path. */
export type Node = string | { link: string } | { name?: string; version?: string; [field: string]: unknown };

/** Lays files and links out in a folder, by their paths in it. A path that ends with a slash is a package's folder. */
export function layOut(folder: string, nodes: Record<string, Node>): void {
  for (const [path, node] of Object.entries(nodes)) {
    const isManifest = path.endsWith('/') || path === '';
    const target = join(folder, isManifest ? `${path}package.json` : path);
    mkdirSync(dirname(target), { recursive: true });
    if (typeof node === 'string') writeFileSync(target, node);
    else if (isManifest) writeFileSync(target, JSON.stringify(node));
    else symlinkSync((node as { link: string }).link, target);
  }
}
