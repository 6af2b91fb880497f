import test from 'ava';
import type { Tree } from '../../viewer/src/api/tree.js';
import { coloring } from '../../viewer/src/graph/color/coloring.js';
import { matchesBefore } from '../../viewer/src/graph/draw/matches.js';
import { paint, rectangleAt, type Scene } from '../../viewer/src/graph/draw/paint.js';
import { type Image, pixelOf, Raster } from '../../viewer/src/graph/draw/raster.js';
import { GAP, type Layout, layOut } from '../../viewer/src/graph/layout.js';
import { matchFrames } from '../../viewer/src/graph/search.js';
import { type Box, CHARACTER, monospace, RecordingPen, surface } from './support/pen.js';
import { manyTrees, randomTree } from './support/random-tree.js';

const ROW = 20;

function sceneOf(tree: Tree, over: Partial<Scene> = {}): Scene & { layout: Layout } {
  const layout = layOut(tree);
  return {
    coloring: coloring(tree, 'kind', 'light'),
    view: { start: 0, end: layout.span, top: 0 },
    area: { left: 0, top: 0, width: 800, height: 400 },
    rowHeight: ROW,
    upward: false,
    text: monospace(),
    label: (node) => (node === 0 ? 'all' : (tree.frames.name[tree.frame[node] as number] as string)),
    ...over,
    layout,
  };
}

function painted(scene: Scene): RecordingPen {
  const pen = new RecordingPen();
  const count = paint(pen, scene, surface());
  if (count !== pen.boxes.length) throw new Error(`${pen.boxes.length} boxes were drawn, ${count} were said`);
  return pen;
}

test('no pixel is drawn twice, and nothing outside the area', (t) => {
  for (const tree of manyTrees({ nodes: 2000, functions: 60 })) {
    for (const upward of [true, false]) {
      const scene = sceneOf(tree, { upward, area: { left: 30, top: 50, width: 320, height: 140 } });
      const taken = new Set<number>();
      for (const { left, top, width, height } of painted(scene).boxes) {
        t.true(left >= 30 && left + width <= 350 && top >= 50 - ROW && top <= 190 && height < ROW);
        for (let x = left; x < left + width; x++) {
          t.false(taken.has(top * 10_000 + x));
          taken.add(top * 10_000 + x);
        }
      }
      t.true(taken.size > 320);
    }
  }
});

test('100,000 frames are drawn in no more calls than the screen has columns and rows', (t) => {
  const tree = randomTree(8, { nodes: 100_000, functions: 3000, deepest: 60 });
  const area = { left: 0, top: 0, width: 1920, height: 1080 };
  const scene = sceneOf(tree, { area });
  const pen = painted(scene);
  const rows = Math.ceil(area.height / ROW);
  t.true(pen.boxes.length > 10_000);
  t.true(pen.boxes.length <= rows * area.width);
  t.true(pen.texts.length <= (rows * area.width) / 22);
  const perRow = new Map<number, number>();
  for (const { top } of pen.boxes) perRow.set(top, (perRow.get(top) ?? 0) + 1);
  for (const count of perRow.values()) t.true(count <= area.width);
  t.true(perRow.size <= rows);
});

test('at most a pixel away from where it belongs, each frame that is wide enough is drawn in the colour of its kind', (t) => {
  for (const tree of manyTrees({ leftOut: true })) {
    const scene = sceneOf(tree);
    const { boxes } = painted(scene);
    const { layout, coloring: colors } = scene;
    const scale = scene.area.width / layout.span;
    for (let at = 0; at < layout.node.length; at++) {
      const [left, right] = [(layout.start[at] as number) * scale, (layout.end[at] as number) * scale];
      const row = layout.rows.findIndex((first) => first > at) - 1;
      if (right - left < 3 || row * ROW >= scene.area.height) continue;
      const own = boxes.find(
        (box) =>
          box.top === row * ROW &&
          Math.abs(box.left - left) <= 1.5 &&
          Math.abs(box.left + box.width - right) <= 2.5,
      );
      const node = layout.node[at] as number;
      t.is(own?.fill, node >= GAP ? 'gap' : (colors.fills[colors.of(node)] as string));
    }
  }
});

test('a flame graph is an icicle upside down', (t) => {
  const tree = randomTree(3, { nodes: 500 });
  const down = painted(sceneOf(tree)).boxes;
  const up = painted(sceneOf(tree, { upward: true })).boxes;
  t.deepEqual(
    up.map((box) => ({ ...box, top: 400 - ROW - box.top })),
    down,
  );
});

test('the pointer finds what is drawn under it', (t) => {
  for (const tree of manyTrees({ nodes: 1500, functions: 60 })) {
    const scene = sceneOf(tree, {
      upward: true,
      view: { start: tree.total / 5, end: tree.total / 2, top: 1.5 },
    });
    const { boxes } = painted(scene);
    let found = 0;
    for (const { left, top, fill } of boxes) {
      const y = top + 5;
      if (y < 0 || y >= scene.area.height) continue;
      const at = rectangleAt(scene, left + 0.5, y);
      const node = scene.layout.node[at] as number;
      t.is(node >= GAP ? 'gap' : scene.coloring.fills[scene.coloring.of(node)], fill as string);
      found++;
    }
    t.true(found > 100);
    t.is(rectangleAt(scene, -1, 390), -1);
    t.is(rectangleAt(scene, 801, 390), -1);
    t.is(rectangleAt(scene, 10, 401), -1);
  }
});

test('a text stands inside its frame and begins as its name does', (t) => {
  for (const tree of manyTrees()) {
    const { texts, boxes } = painted(sceneOf(tree, { more: () => '12.3%' }));
    t.true(texts.length > 5);
    for (const { text, x, y } of texts) {
      const box = boxes.find(
        ({ left, top, width }) => left < x && x < left + width && top < y && y < top + ROW,
      );
      t.truthy(box);
      const { left, width } = box as (typeof boxes)[number];
      t.true(x + Array.from(text).length * CHARACTER <= left + width + 1);
      t.regex(text, /^(all|function\d+|function\d*…|f[a-z]*…|a…|al…|not shown|n[ a-z]*…)( {2}12\.3%)?$/);
    }
    t.true(texts.some(({ text }) => text.endsWith('12.3%')));
  }
});

test('no name turns round what stands behind it', (t) => {
  const tree = randomTree(3, { nodes: 200, functions: 20 });
  const label = (): string => '\u202elive\u2066 \u05d0\u200f';
  const texts = painted(sceneOf(tree, { label, more: () => '12.3%' })).texts.map(({ text }) => text);
  t.true(texts.includes('\ufffdlive\ufffd \u05d0\ufffd  12.3%'));
  for (const text of texts) t.notRegex(text, /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
});

test('a search dims what it has not found, and a found one is not dimmed among many drawn as one', (t) => {
  const tree = randomTree(6, { nodes: 20_000, functions: 300 });
  const matched = matchFrames(tree.frames, 'file3.js');
  const scene = sceneOf(tree);
  const before = matchesBefore(scene.layout, tree.frame, matched);
  const isMatched = (node: number) => node < GAP && node > 0 && matched[tree.frame[node] as number] === 1;
  t.is(before.at(-1), Array.from(scene.layout.node).filter(isMatched).length);
  const { boxes } = painted({ ...scene, matchesBefore: before });
  const bright = boxes.filter(({ alpha }) => alpha === 1);
  t.true(bright.length > 20 && bright.length < boxes.length / 2);
  // Wherever a matched frame is, the column in which it lies is bright.
  const scale = scene.area.width / scene.layout.span;
  for (let at = 0; at < scene.layout.node.length; at++) {
    const row = scene.layout.rows.findIndex((first) => first > at) - 1;
    const [left, right] = [
      (scene.layout.start[at] as number) * scale,
      (scene.layout.end[at] as number) * scale,
    ];
    if (right - left < 3 || row * ROW >= 400) continue;
    const middle = (left + right) / 2;
    const box = boxes.find(
      (other) => other.top === row * ROW && other.left <= middle && middle < other.left + other.width,
    );
    if (isMatched(scene.layout.node[at] as number)) t.is(box?.alpha, 1);
  }
  const one = {
    rows: Uint32Array.of(0, 3),
    node: Uint32Array.of(0, 1, 2),
    start: Float64Array.of(0, 0.5, 0.6),
    end: Float64Array.of(0.5, 0.6, 1),
  };
  const merged = painted({
    ...scene,
    layout: one,
    view: { start: 0, end: 800, top: 0 },
    matchesBefore: Uint32Array.of(0, 0, 1, 1),
  });
  t.deepEqual(
    merged.boxes.map(({ alpha }) => alpha),
    [1],
  );
});

test('rings are drawn around what is selected and hovered while it is in view', (t) => {
  const tree = randomTree(3, { nodes: 500 });
  const scene = sceneOf(tree);
  const at = scene.layout.rectangle[1] as number;
  const { rings } = painted({ ...scene, selected: at, hovered: 0 });
  t.is(rings.length, 2);
  t.is(rings[0]?.top, 0.5);
  t.true(
    Math.abs((rings[1]?.left as number) - ((scene.layout.start[at] as number) / scene.layout.span) * 800) <=
      2,
  );
  t.is(rings[1]?.top, ROW + 1);
  const away = { ...scene, selected: 0, view: { start: 0, end: scene.layout.span, top: 3 } };
  t.is(painted(away).rings.length, 0);
});

test('more device pixels draw more, with lines as wide', (t) => {
  const tree = randomTree(9, { nodes: 5000, functions: 100 });
  const once = painted(sceneOf(tree));
  const pen = new RecordingPen();
  const twice = paint(
    pen,
    sceneOf(tree, { area: { left: 0, top: 0, width: 1600, height: 800 }, rowHeight: 2 * ROW }),
    surface(2),
  );
  t.true(twice > once.boxes.length);
  t.true(pen.boxes.every(({ height }) => height === 2 * ROW - 1));
});

/** What a pen has drawn, as colours of pixels. */
function pixelsOf(boxes: Box[], width: number, height: number): Uint32Array {
  const pixels = new Uint32Array(width * height);
  for (const box of boxes) {
    for (let y = Math.max(0, box.top); y < Math.min(height, box.top + box.height); y++) {
      pixels.fill(
        pixelOf(box.fill as string, box.alpha),
        y * width + box.left,
        y * width + box.left + box.width,
      );
    }
  }
  return pixels;
}

test('many boxes are written as the pixels that the calls would have drawn', (t) => {
  const tree = randomTree(12, { nodes: 30_000, functions: 400, deepest: 40, leftOut: true });
  const matched = matchFrames(tree.frames, 'function5');
  for (const top of [0, 2.37]) {
    for (const upward of [false, true]) {
      const view = { start: tree.total / 7, end: tree.total, top };
      const scene = sceneOf(tree, { view, upward });
      const all = { ...scene, matchesBefore: matchesBefore(scene.layout, tree.frame, matched) };
      const called = painted(all);
      t.true(called.boxes.length > 3000);

      const image = { width: 800, height: 400, data: new Uint8ClampedArray(800 * 400 * 4).fill(77) };
      const pen = new RecordingPen();
      const count = paint(pen, all, surface(), () => new Raster(image as unknown as Image));
      t.is(count, called.boxes.length);
      t.deepEqual(pen.images, [{ image, x: 0, y: 0, left: 0, top: 0, width: 800, height: 400 }]);
      const gaps = called.boxes.filter(({ fill }) => fill === 'gap');
      t.true(gaps.length > 0);
      t.deepEqual(pen.boxes, gaps);
      t.deepEqual(pen.texts, called.texts);
      const others = called.boxes.filter(({ fill }) => fill !== 'gap');
      t.deepEqual(new Uint32Array(image.data.buffer), pixelsOf(others, 800, 400));
    }
  }
});

test('few boxes leave what was drawn before', (t) => {
  const pen = new RecordingPen();
  paint(pen, sceneOf(randomTree(2)), surface(), () => t.fail('pixels were asked for') as never);
  t.deepEqual(pen.images, []);
  t.true(pen.boxes.length > 50);
});

test('a pixel is red, green, blue and how much it covers', (t) => {
  t.deepEqual(Array.from(new Uint8Array(Uint32Array.of(pixelOf('#102030', 1)).buffer)), [16, 32, 48, 255]);
  t.deepEqual(Array.from(new Uint8Array(Uint32Array.of(pixelOf('#ff00fe', 0.2)).buffer)), [255, 0, 254, 51]);
});
