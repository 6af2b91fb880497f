import type { Tree } from '../../api/tree.js';
import { widths } from '../left-out.js';
import { TreeBuilder } from '../tree-builder.js';

/** Below a fifth of a pixel of a graph as wide as a large screen, callers are left out: a tree can have as many of them as nodes times depth. */
const LEAST_SHARE = 1 / 20_000;

/**
 * Callers from the leaf: the functions in which samples ended are below the root, and below each are its callers. A total is the self of the function at the
 * top, divided among the ways to it. What the collector left out has no known leaf and stays left out.
 * @param leastShare a node whose share of the total is smaller has its callers left out; 0 shows all
 */
export function invert(tree: Tree, leastShare = LEAST_SHARE): Tree {
  const { parent, frame, selfValues, selfValuesB } = tree;
  const own = selfValuesB
    ? selfValues.map((value, node) => value + (selfValuesB[node] as number))
    : selfValues;
  const least = (widths(tree)[0] as number) * leastShare;
  const builder = new TreeBuilder(tree);
  builder.addSelf(0, 0);
  for (let node = 0; node < parent.length; node++) builder.addRest(0, node);

  // Every node in which samples ended climbs to the root, one step in each round.
  let climbing = Array.from(own.keys()).filter((node) => node > 0 && own[node] !== 0);
  const above = Uint32Array.from(own.keys());
  const place = new Uint32Array(parent.length);
  const total: number[] = [];
  while (climbing.length > 0) {
    for (const leaf of climbing) {
      const node = builder.child(place[leaf] as number, frame[above[leaf] as number] as number);
      place[leaf] = node;
      total[node] = (total[node] ?? 0) + (own[leaf] as number);
    }
    climbing = climbing.filter((leaf) => {
      const node = place[leaf] as number;
      above[leaf] = parent[above[leaf] as number] as number;
      if (above[leaf] === 0) builder.addSelf(node, leaf);
      else if ((total[node] as number) < least) builder.leaveOut(node, leaf);
      else return true;
      return false;
    });
  }
  return builder.finish();
}
