import { type FrameKind, type Frames, NO_FRAME, type Tree } from '../../api/tree.js';
import { type Change, changeColor, hash, kindColor, packageColor, SHADES, type Theme } from './palette.js';

export type ColorScheme = 'kind' | 'package' | 'difference' | 'difference-safe';

/** Colours of a graph. */
export interface Coloring {
  fills: string[];
  /** Index into `fills` for a node. */
  of: (node: number) => number;
}

/** A change of less than this share of the larger value is drawn as none. */
const SAME = 0.02;

/** Steps from no change to twice as much or half as much. */
const STEPS = 6;

/**
 * The colours of a tree. Those of a difference compare the values as they are: selections of different length are to be brought to the same one before.
 */
export function coloring(tree: Tree, scheme: ColorScheme, theme: Theme): Coloring {
  if (scheme === 'kind' || scheme === 'package') return frameColoring(tree.frames, tree.frame, scheme, theme);
  return differenceColoring(tree, theme, scheme === 'difference-safe');
}

/** The colours of frames by whose code they are, or by their package. */
export function frameColoring(
  frames: Frames,
  frameOf: Uint32Array,
  scheme: 'kind' | 'package',
  theme: Theme,
): Coloring {
  const numbers = new Map<string, number>();
  const fills: string[] = [];
  const number = (fill: string) => {
    const known = numbers.get(fill);
    if (known !== undefined) return known;
    numbers.set(fill, fills.length);
    return fills.push(fill) - 1;
  };
  const root = number(kindColor(theme, 'group'));
  const ofFrame = Uint16Array.from(frames.name, (name, frame) => {
    const kind = frames.kind[frame] as FrameKind;
    const shade = hash(name) % SHADES;
    if (scheme === 'kind' || kind === 'group') return number(kindColor(theme, kind, shade));
    return number(packageColor(theme, frames.package[frame] as string, shade));
  });
  return {
    fills,
    of: (node) => {
      const frame = frameOf[node] as number;
      return frame === NO_FRAME ? root : (ofFrame[frame] as number);
    },
  };
}

function differenceColoring(tree: Tree, theme: Theme, safe: boolean): Coloring {
  const fills: string[] = [];
  const first = {} as Record<Change, number>;
  for (const change of ['more', 'less', 'same', 'only-a', 'only-b'] as const) {
    first[change] = fills.length;
    const steps = change === 'more' || change === 'less' ? STEPS : 1;
    for (let step = 1; step <= steps; step++) fills.push(changeColor(theme, change, step / steps, safe));
  }
  const { totalValues, totalValuesB } = tree;
  return {
    fills,
    of: (node) => {
      const { change, strength } = changeOf(totalValues[node] as number, totalValuesB?.[node] ?? 0);
      const step = change === 'more' || change === 'less' ? Math.ceil(strength * STEPS) - 1 : 0;
      return first[change] + step;
    },
  };
}

/** What has become of a value. The strength reaches 1 where it has doubled or halved. */
export function changeOf(a: number, b: number): { change: Change; strength: number } {
  if (a === 0 && b === 0) return { change: 'same', strength: 0 };
  if (b === 0) return { change: 'only-a', strength: 1 };
  if (a === 0) return { change: 'only-b', strength: 1 };
  const share = Math.abs(b - a) / Math.max(a, b);
  if (share < SAME) return { change: 'same', strength: 0 };
  return { change: b > a ? 'more' : 'less', strength: Math.min(1, share * 2) };
}
