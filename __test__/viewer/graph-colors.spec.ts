import test from 'ava';
import type { FrameKind, Tree } from '../../viewer/src/api/tree.js';
import { type ColorScheme, changeOf, coloring } from '../../viewer/src/graph/color/coloring.js';
import { oklch } from '../../viewer/src/graph/color/oklch.js';
import { FRAME_TEXT, packageColor, type Theme } from '../../viewer/src/graph/color/palette.js';
import { randomTree } from './support/random-tree.js';

const THEMES: Theme[] = ['dark', 'light'];
const SCHEMES: ColorScheme[] = ['kind', 'package', 'difference', 'difference-safe'];

const channels = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);

/** Relative luminance, WCAG 2. */
function luminance(hex: string): number {
  const [red, green, blue] = channels(hex).map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4,
  ) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const distance = (a: string, b: string) =>
  Math.hypot(...channels(a).map((value, at) => value - (channels(b)[at] as number)));

/** Hundred packages, and every kind. */
function colorful(): Tree {
  const tree = randomTree(1, { nodes: 4000, functions: 400, difference: true });
  const kinds: FrameKind[] = ['app', 'package', 'node', 'native', 'gc', 'group'];
  tree.frames.package = tree.frames.name.map((_, frame) => `package-${frame % 100}`);
  tree.frames.kind = tree.frames.name.map((_, frame) => kinds[frame % kinds.length] as FrameKind);
  return tree;
}

test('text can be read on every colour of every scheme', (t) => {
  for (const theme of THEMES) {
    for (const scheme of SCHEMES) {
      const { fills } = coloring(colorful(), scheme, theme);
      t.true(fills.length > 5);
      for (const fill of fills) {
        t.regex(fill, /^#[0-9a-f]{6}$/);
        t.true(
          contrast(fill, FRAME_TEXT[theme]) >= 4.5,
          `${scheme}, ${theme}: ${fill} has ${contrast(fill, FRAME_TEXT[theme])}`,
        );
      }
    }
  }
});

test('every node has a colour of its scheme, and each kind its own', (t) => {
  const tree = colorful();
  for (const theme of THEMES) {
    for (const scheme of SCHEMES) {
      const { fills, of } = coloring(tree, scheme, theme);
      for (let node = 0; node < tree.parent.length; node++) t.truthy(fills[of(node)]);
    }
    const { fills, of } = coloring(tree, 'kind', theme);
    const byKind = new Map<string, Set<string>>();
    for (let node = 1; node < tree.parent.length; node++) {
      const kind = tree.frames.kind[tree.frame[node] as number] as string;
      byKind.set(kind, (byKind.get(kind) ?? new Set()).add(fills[of(node)] as string));
    }
    const all = [...byKind.values()].flatMap((colors) => [...colors]);
    t.is(new Set(all).size, all.length, 'two kinds share a colour');
    t.true(
      [...byKind.values()].every((colors) => colors.size > 1),
      'neighbours of one kind look alike',
    );
  }
});

test('a package has one hue, in every graph, and most have another than their neighbours in the list', (t) => {
  const names = Array.from({ length: 200 }, (_, index) => `package-${index}`);
  for (const theme of THEMES) {
    t.is(packageColor(theme, 'lodash'), packageColor(theme, 'lodash'));
    t.true(new Set(names.map((name) => packageColor(theme, name))).size >= 22);
    const same = names.filter(
      (name, at) => at > 0 && packageColor(theme, name) === packageColor(theme, names[at - 1] as string),
    );
    t.true(same.length < 20);
  }
  t.is(packageColor('light', 'express'), '#d9b4ea');
});

test('a difference is named by what has become of a value', (t) => {
  t.deepEqual(changeOf(0, 0), { change: 'same', strength: 0 });
  t.deepEqual(changeOf(5, 0), { change: 'only-a', strength: 1 });
  t.deepEqual(changeOf(0, 5), { change: 'only-b', strength: 1 });
  t.deepEqual(changeOf(100, 101), { change: 'same', strength: 0 });
  t.deepEqual(changeOf(100, 200), { change: 'more', strength: 1 });
  t.deepEqual(changeOf(200, 100), { change: 'less', strength: 1 });
  t.deepEqual(changeOf(100, 900), { change: 'more', strength: 1 });
  t.is(changeOf(100, 125).strength, 0.4);
});

test('more is red, less is green, only in A is blue and only in B is purple', (t) => {
  const tree = randomTree(1, { nodes: 5, difference: true });
  tree.totalValues.set([100, 10, 90, 30, 0]);
  tree.totalValuesB?.set([100, 90, 10, 0, 30]);
  for (const theme of THEMES) {
    const { fills, of } = coloring(tree, 'difference', theme);
    const of3 = (node: number) => channels(fills[of(node)] as string) as [number, number, number];
    t.true(Math.max(...of3(0)) - Math.min(...of3(0)) < 0.06);
    const [more, less, onlyA, onlyB] = [of3(1), of3(2), of3(3), of3(4)];
    t.true(more[0] > more[1] + 0.2 && more[0] > more[2] + 0.2);
    t.true(less[1] > less[0] + 0.1 && less[1] > less[2] + 0.1);
    t.true(onlyA[2] > onlyA[0] + 0.2 && onlyA[2] > onlyA[1] + 0.1);
    t.true(onlyB[2] > onlyB[1] + 0.15 && onlyB[0] > onlyB[1] + 0.1);
  }
});

/** As a person without red cones, or without green ones, sees a colour: Viénot, Brettel and Mollon 1999, in linear light. */
function seen(hex: string, matrix: number[][]): number[] {
  const linear = channels(hex).map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4,
  );
  return matrix.map((row) => row.reduce((sum, factor, at) => sum + factor * (linear[at] as number), 0));
}

test('the safe colours of more and less stay apart without red or green cones', (t) => {
  const blindness = {
    protanopia: [
      [0.11238, 0.88762, 0],
      [0.11238, 0.88762, 0],
      [0.00401, -0.00401, 1],
    ],
    deuteranopia: [
      [0.29275, 0.70725, 0],
      [0.29275, 0.70725, 0],
      [-0.02234, 0.02234, 1],
    ],
  };
  const tree = randomTree(1, { nodes: 5, difference: true });
  tree.totalValues.set([100, 10, 90, 30, 0]);
  tree.totalValuesB?.set([100, 90, 10, 0, 30]);
  for (const theme of THEMES) {
    const { fills, of } = coloring(tree, 'difference-safe', theme);
    const colors = [1, 2, 3, 4].map((node) => fills[of(node)] as string);
    for (const matrix of Object.values(blindness)) {
      for (let one = 0; one < colors.length; one++) {
        for (let other = one + 1; other < colors.length; other++) {
          const [a, b] = [seen(colors[one] as string, matrix), seen(colors[other] as string, matrix)];
          t.true(
            Math.hypot(...a.map((value, at) => value - (b[at] as number))) > 0.08,
            `${colors[one]} and ${colors[other]}`,
          );
        }
      }
    }
  }
});

test('known colours of OKLCH', (t) => {
  t.is(oklch(1, 0, 0), '#ffffff');
  t.is(oklch(0, 0, 0), '#000000');
  t.true(distance(oklch(0.62796, 0.25768, 29.23), '#ff0000') < 0.02);
  t.true(distance(oklch(0.45201, 0.31321, 264.05), '#0000ff') < 0.03);
  t.true(distance(oklch(0.86644, 0.29483, 142.5), '#00ff00') < 0.03);
});
