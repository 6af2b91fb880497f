import { NO_FRAME, type Tree } from '../api/tree.js';

/**
 * A short key for each node, made of the names and files on the way to it: the same path has the same key in another
 * tree, so that an address can name a node of a tree that is asked for anew. The root's is 0.
 */
export function pathKeys(tree: Tree): Float64Array {
  const { name, file } = tree.frames;
  const hashes = name.map((text, frame) => hashText(file[frame] as string, hashText(text, [SEED, ~SEED])));
  const keys = new Float64Array(tree.parent.length);
  for (let node = 1; node < keys.length; node++) {
    const [low, high] = hashes[tree.frame[node] as number] as Pair;
    const above = keys[tree.parent[node] as number] as number;
    const first = mix(mix(above % 2 ** 32, low), 0x9e3779b9);
    const second = mix(mix(Math.floor(above / 2 ** 32) + 1, high), first);
    // 52 bits: what a number holds exactly, with room for the sum.
    keys[node] = (second & 0xfffff) * 2 ** 32 + first;
  }
  return keys;
}

/** Writes a key for the address. */
export function printKey(key: number): string {
  return key.toString(36);
}

/** The node that a key of the address names; 0, the root, for one that this tree does not have. */
export function nodeOf(keys: Float64Array, text: string | undefined): number {
  if (text === undefined) return 0;
  const key = Number.parseInt(text, 36);
  return Math.max(0, keys.indexOf(key));
}

/** The node of a function that counts the most; undefined where the tree has none. */
export function heaviestNode(tree: Tree, name: string, file: string): number | undefined {
  let heaviest: number | undefined;
  for (let node = 1; node < tree.parent.length; node++) {
    const frame = tree.frame[node] as number;
    if (frame === NO_FRAME || tree.frames.name[frame] !== name || tree.frames.file[frame] !== file) continue;
    const weight = tree.totalValues[node] as number;
    if (heaviest === undefined || weight > (tree.totalValues[heaviest] as number)) heaviest = node;
  }
  return heaviest;
}

type Pair = [low: number, high: number];
const SEED = 0x811c9dc5;

function hashText(text: string, [low, high]: Pair): Pair {
  let first = low;
  let second = high;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    first = Math.imul(first ^ unit, 0x01000193);
    second = Math.imul(second ^ unit, 0x85ebca6b) + 1;
  }
  return [mix(first, text.length), mix(second, ~text.length)];
}

function mix(a: number, b: number): number {
  let mixed = Math.imul((a >>> 0) ^ Math.imul(b, 0xcc9e2d51), 0x1b873593);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
