import test from 'ava';
import type { TimelineData } from '../../viewer/src/api/timeline.js';
import { NO_FRAME } from '../../viewer/src/api/tree.js';
import { stepFor, ticks, timeOfDay } from '../../viewer/src/graph/timeline/axis.js';
import { busyColumns } from '../../viewer/src/graph/timeline/busy.js';
import { eventName, sampleDetails, spokenSample } from '../../viewer/src/graph/timeline/describe.js';
import { eventRows } from '../../viewer/src/graph/timeline/event-rows.js';
import { inOrder } from '../../viewer/src/graph/timeline/lane-order.js';
import { depths, divide, type LaneSamples, SELF_KINDS } from '../../viewer/src/graph/timeline/lanes.js';
import type { Look } from '../../viewer/src/graph/timeline/look.js';
import { paintBusy } from '../../viewer/src/graph/timeline/paint-lanes.js';
import { heightOf, placeLanes } from '../../viewer/src/graph/timeline/place-lanes.js';
import { stackChart } from '../../viewer/src/graph/timeline/stack-chart.js';
import { monospace, RecordingPen, surface } from './support/pen.js';
import { randomNumbers, randomTree } from './support/random-tree.js';

const THREADS = 3;

/** Threads sampled about each 10 ms with pauses, and a lane of events that overlap. Samples come in no order. */
function randomTimeline(seed: number, samples = 600): TimelineData {
  const random = randomNumbers(seed);
  const tree = randomTree(seed, { nodes: 200, deepest: 12 });
  const rows: { lane: number; node: number; end: number; wall: number; cpu: number; label: number }[] = [];
  for (let lane = 0; lane < THREADS; lane++) {
    let time = 0;
    let node = 1;
    for (let index = 0; index < samples; index++) {
      const wall = 5 + random() * 10;
      time += wall + (random() < 0.1 ? random() * 50 : 0);
      if (random() < 0.5) node = Math.floor(random() * tree.parent.length);
      rows.push({
        lane,
        node,
        end: time,
        wall: wall * 1e6,
        cpu: random() < 0.4 ? 0 : wall * 1e6 * random(),
        label: 0,
      });
    }
  }
  for (let event = 0; event < 200; event++) {
    const wall = random() ** 3 * 200;
    rows.push({ lane: THREADS, node: 0, end: wall + random() * 5000, wall: wall * 1e6, cpu: 0, label: 1 });
  }
  rows.sort(() => random() - 0.5);
  const column = (key: keyof (typeof rows)[number]) => rows.map((row) => row[key]);
  return {
    unit: 'nanoseconds',
    from: 1_700_000_000_250.5,
    to: 1_700_000_000_250.5 + rows.reduce((last, { end }) => Math.max(last, end), 0),
    omitted: 0,
    lanes: [
      ...Array.from({ length: THREADS }, (_, thread) => ({
        name: `thread ${thread}`,
        threadId: `${thread}`,
        runtimeId: 'r',
        kind: 'thread',
      })),
      { name: 'http', threadId: '', runtimeId: 'r', kind: 'event' },
      { name: 'nothing', threadId: '', runtimeId: 'r', kind: 'event' },
    ],
    frames: tree.frames,
    labels: [new Map([['trace endpoint', 'GET /']]), new Map([['event', 'http']])],
    parent: tree.parent,
    frame: tree.frame,
    lane: Uint32Array.from(column('lane')),
    node: Uint32Array.from(column('node')),
    end: Float64Array.from(column('end')),
    wall: Float64Array.from(column('wall')),
    cpu: Float64Array.from(column('cpu')),
    label: Uint32Array.from(column('label')),
  };
}

const timelines = () => Array.from({ length: 8 }, (_, seed) => randomTimeline(seed));
const threadsOf = (data: TimelineData) => divide(data).filter(({ events }) => !events);

test('the main thread of a running process is the first lane, and nothing changes places while more comes', (t) => {
  const [process, other, ended] = ['b', 'c', 'a'];
  const lanes = [
    { name: 'V8Worker', threadId: '4711', runtimeId: ended, kind: 'thread' },
    { name: 'Main Event Loop', threadId: '0', runtimeId: ended, kind: 'thread' },
    { name: 'http', threadId: '', runtimeId: process, kind: 'event' },
    { name: '(exited threads)', threadId: 'NA', runtimeId: process, kind: 'thread' },
    { name: 'libuv-worker', threadId: '4712', runtimeId: process, kind: 'thread' },
    { name: 'libuv-worker', threadId: '999', runtimeId: process, kind: 'thread' },
    { name: 'Worker #2 Event Loop', threadId: '2', runtimeId: process, kind: 'thread' },
    { name: 'Main Event Loop', threadId: '0', runtimeId: process, kind: 'thread' },
    { name: 'MainThread', threadId: '140703128616960', runtimeId: other, kind: 'thread' },
    { name: 'worker', threadId: '140703120000000', runtimeId: other, kind: 'thread' },
  ];
  const expected = [7, 6, 5, 4, 3, 2, 8, 9, 1, 0];
  const base = randomTimeline(1);
  for (const latest of [process, other]) {
    const end = lanes.map(({ runtimeId }) =>
      runtimeId === ended ? 1000 : runtimeId === latest ? 90_000 : 88_000,
    );
    const all = Uint32Array.from(lanes.keys());
    const none = new Uint32Array(lanes.length);
    const figures = {
      end: Float64Array.from(end),
      wall: Float64Array.from(none),
      cpu: Float64Array.from(none),
    };
    const data = { ...base, ...figures, lanes, lane: all, node: none, label: none };
    t.deepEqual(
      inOrder(divide(data)).map(({ index }) => index),
      expected,
    );
  }
  t.deepEqual(inOrder([]), []);
});

test('every sample is in its lane, in the order of time, and those of a thread do not overlap', (t) => {
  for (const data of timelines()) {
    const lanes = divide(data);
    t.deepEqual(
      lanes.map(({ lane }) => lane.name),
      ['thread 0', 'thread 1', 'thread 2', 'http'],
    );
    t.is(
      lanes.reduce((sum, { sample }) => sum + sample.length, 0),
      data.lane.length,
    );
    for (const { index, sample, start, end, events, deepest } of lanes) {
      t.true(sample.every((of) => data.lane[of] === index));
      t.is(new Set(sample).size, sample.length);
      t.is(
        deepest,
        Math.max(...Array.from(sample, (of) => depths(data.parent)[data.node[of] as number] as number)),
      );
      for (let at = 0; at < sample.length; at++) {
        const of = sample[at] as number;
        t.is(end[at], data.end[of] as number);
        t.true(
          Math.abs((start[at] as number) - ((end[at] as number) - (data.wall[of] as number) / 1e6)) < 1e-6,
        );
        if (at === 0) continue;
        t.true((start[at] as number) >= (start[at - 1] as number));
        if (!events) t.true((start[at] as number) >= (end[at - 1] as number));
      }
    }
  }
});

/** CPU milliseconds per kind in a range, sample by sample. */
function busyByHand(data: TimelineData, lane: number, from: number, to: number): number[] {
  const sums = SELF_KINDS.map(() => 0);
  for (let sample = 0; sample < data.lane.length; sample++) {
    if (data.lane[sample] !== lane) continue;
    const end = data.end[sample] as number;
    const length = (data.wall[sample] as number) / 1e6;
    const shared = Math.max(0, Math.min(to, end) - Math.max(from, end - length)) / length;
    const frame = data.frame[data.node[sample] as number] as number;
    const kind = frame === NO_FRAME ? 'native' : data.frames.kind[frame];
    const index = (SELF_KINDS as readonly unknown[]).indexOf(kind);
    sums[index] = (sums[index] as number) + shared * ((data.cpu[sample] as number) / 1e6);
  }
  return sums;
}

test('a column of a lane shows the CPU time that fell into it, by kind', (t) => {
  for (const data of timelines()) {
    for (const lane of threadsOf(data)) {
      for (const [start, end, columns] of [
        [0, 6000, 50],
        [100, 131, 17],
        [2000, 2000.5, 5],
        [0, 1e6, 3],
      ] as const) {
        const shares = busyColumns(lane, { start, end }, columns);
        const width = (end - start) / columns;
        for (let column = 0; column < columns; column++) {
          const byHand = busyByHand(data, lane.index, start + column * width, start + (column + 1) * width);
          for (const [kind, value] of byHand.entries()) {
            t.true(Math.abs((shares[kind]?.[column] as number) - value / width) < 1e-6);
          }
        }
      }
    }
  }
});

test('a thread is never busier than the time, and without CPU times its wall time counts', (t) => {
  const data = randomTimeline(3);
  const more = { ...data, cpu: data.wall.map((value) => value * 1.5) };
  for (const lane of threadsOf(more)) {
    const shares = busyColumns(lane, { start: 0, end: 5000 }, 100);
    const sums = Array.from({ length: 100 }, (_, column) =>
      shares.reduce((sum, share) => sum + (share[column] as number), 0),
    );
    t.true(sums.every((sum) => sum <= 1 + 1e-9));
    t.true(sums.some((sum) => sum > 0.99));
  }
  const wall = divide({ ...data, cpu: data.cpu.slice().fill(0) })[0] as LaneSamples;
  const [total] = [wall.before.reduce((sum, before) => sum + (before.at(-1) as number), 0)];
  const expected = Array.from(wall.sample).reduce((sum, of) => sum + (data.wall[of] as number) / 1e6, 0);
  t.true(Math.abs(total - expected) < 1e-6);
});

test('each column of a stack chart shows one sample of its time, with all its frames', (t) => {
  for (const data of timelines()) {
    const tree = { parent: data.parent, depth: depths(data.parent) };
    for (const lane of threadsOf(data)) {
      for (const [start, end] of [
        [0, 8000],
        [300, 420],
        [1000, 1010],
      ] as const) {
        const columns = 400;
        const {
          rows,
          node,
          start: from,
          end: to,
        } = stackChart(lane, tree, data.node, { start, end }, columns);
        t.true(node.length > (end - start > 1000 ? 100 : -1) && node.length <= columns * (rows.length - 1));
        const stackAt = (column: number) => {
          const stack: number[] = [];
          for (let row = 0; row + 1 < rows.length; row++) {
            for (let at = rows[row] as number; at < (rows[row + 1] as number); at++) {
              if ((from[at] as number) <= column && column < (to[at] as number))
                stack[row] = node[at] as number;
            }
          }
          return stack;
        };
        const width = (end - start) / columns;
        for (let column = 0; column < columns; column += 7) {
          const stack = stackAt(column);
          // A path of the tree, whose innermost frame is that of a sample in this column or beside it.
          for (let depth = 1; depth < stack.length; depth++)
            t.is(data.parent[stack[depth] as number], stack[depth - 1] as number);
          const near = Array.from(lane.sample).filter((of, at) => {
            const [left, right] = [(lane.start[at] as number) - start, (lane.end[at] as number) - start];
            return (
              right >= (column - 1) * width &&
              left <= (column + 2) * width &&
              (stack.length === 0 || data.node[of] === stack.at(-1))
            );
          });
          if (stack.length > 0) t.true(near.length > 0);
        }
        for (let row = 0; row + 1 < rows.length; row++) {
          for (let at = (rows[row] as number) + 1; at < (rows[row + 1] as number); at++) {
            t.true((from[at] as number) >= (to[at - 1] as number));
            // What could be one rectangle is one.
            t.false(node[at] === node[at - 1] && from[at] === to[at - 1]);
          }
        }
      }
    }
  }
});

test('200,000 samples cost what the screen has columns', (t) => {
  const data = randomTimeline(1, 70_000);
  const tree = { parent: data.parent, depth: depths(data.parent) };
  for (const lane of threadsOf(data)) {
    const all = { start: 0, end: lane.end.at(-1) as number };
    t.true(lane.sample.length === 70_000);
    const chart = stackChart(lane, tree, data.node, all, 1920);
    t.true(chart.node.length <= 1920 * lane.deepest);
    t.is(busyColumns(lane, all, 1920)[0]?.length, 1920);
  }
});

test('events at the same time stand below each other, in five rows at the most', (t) => {
  for (const data of timelines()) {
    const lane = divide(data).find(({ events }) => events) as LaneSamples;
    const { rows, node, start, end } = eventRows(lane);
    t.deepEqual(
      Array.from(node).sort((a, b) => a - b),
      Array.from(lane.sample.keys()),
    );
    t.true(rows.length - 1 <= 5 && rows.length > 2);
    for (let row = 0; row + 1 < rows.length; row++) {
      for (let at = rows[row] as number; at < (rows[row + 1] as number); at++) {
        const event = node[at] as number;
        t.is(end[at], lane.end[event] as number);
        if (row < 4) t.is(start[at], lane.start[event] as number);
        if (at > (rows[row] as number))
          t.true((start[at] as number) >= Math.min(end[at - 1] as number, end[at] as number));
      }
    }
  }
});

test('lanes stand below each other, and an open one has room for its deepest stack', (t) => {
  const lanes = divide(randomTimeline(2));
  const closed = placeLanes(lanes, new Set());
  const open = placeLanes(lanes, new Set([1, THREADS]));
  for (const placed of [closed, open]) {
    for (const [at, { top, height }] of placed.entries()) {
      t.true(height > 0);
      t.true(top >= (at === 0 ? 0 : (placed[at - 1]?.top as number) + (placed[at - 1]?.height as number)));
    }
  }
  t.is((open[1]?.height as number) - (closed[1]?.height as number), 16 * (lanes[1]?.deepest as number));
  t.deepEqual(
    open.map((lane) => lane.open),
    [false, true, false, false],
    'a lane of events was opened',
  );
  t.true(heightOf(open) > heightOf(closed));
  t.is(heightOf([]), 0);
});

test('marks of the axis are at round times, far enough apart, and say different times', (t) => {
  const from = 1_700_000_000_250.5;
  for (const span of [0.02, 0.5, 3, 40, 900, 12_000, 600_000, 7.2e6, 2e8]) {
    for (const start of [0, 1234.5678]) {
      const view = { start, end: start + span };
      const marks = ticks(view, from, 1000, 100);
      t.true(marks.length >= 2 && marks.length <= 11, `${marks.length} marks for ${span} ms`);
      t.true(marks.every(({ at }) => at >= view.start - 1e-6 && at <= view.end));
      for (let mark = 1; mark < marks.length; mark++) {
        t.true(((marks[mark]?.at as number) - (marks[mark - 1]?.at as number)) * (1000 / span) >= 99);
      }
      if (span < 8e7) t.is(new Set(marks.map(({ text }) => text)).size, marks.length);
      const step = stepFor(span / 1000, 100);
      const date = new Date(from + (marks[0]?.at as number));
      if (step >= 1000) t.is(date.getMilliseconds(), 0);
      if (step >= 60_000) t.is(date.getSeconds(), 0);
      // What a mark says is where it stands.
      const digits = /\.(\d+)$/.exec(marks[0]?.text ?? '')?.[1];
      if (digits) {
        const fraction = (((from + (marks[0]?.at as number)) / 1000) % 1) * 10 ** digits.length;
        t.true(
          Math.abs(
            ((fraction - Number(digits) + 10 ** digits.length / 2) % 10 ** digits.length) -
              10 ** digits.length / 2,
          ) < 0.51,
        );
      }
    }
  }
});

test('marks of nanoseconds begin where the view does, at any time of day', (t) => {
  const from = Date.UTC(2026, 10, 30, 8, 42, 5) + 0.522_918;
  for (const start of [0, 1234.5678, 39_999.123_457]) {
    const view = { start, end: start + 1.2e-5 };
    const marks = ticks(view, from, 1200, 200);
    t.true(marks.length >= 2 && marks.length <= 7, `${marks.length} marks`);
    t.true(marks.every(({ at }) => at >= view.start - 1e-8 && at <= view.end));
  }
});

test('a time of day has its milliseconds, whatever the start', (t) => {
  t.regex(timeOfDay(1_700_000_000_250.5, 0), /^\d\d:13:20\.25[01]$/);
  t.regex(timeOfDay(1_700_000_000_250.5, 1000), /^\d\d:13:21\.25[01]$/);
  t.regex(timeOfDay(1_700_000_000_999, 2), /^\d\d:13:21\.001$/);
});

test('a sample is told with its frame, its thread, its time and its labels', (t) => {
  const data = randomTimeline(1);
  const lanes = placeLanes(divide(data), new Set());
  const lane = lanes[0] as (typeof lanes)[number];
  const at = Array.from(lane.samples.sample).findIndex(
    (of) => (data.node[of] as number) > 0 && (data.cpu[of] as number) > 0,
  );
  const node = data.node[lane.samples.sample[at] as number] as number;
  const details = sampleDetails(data, { lane, at, node });
  t.is(details.name, data.frames.name[data.frame[node] as number] as string);
  t.deepEqual(
    details.lines.map(({ name }) => name),
    ['lane', 'from', 'stands for', 'CPU', 'trace endpoint'],
  );
  t.is(details.lines[0]?.value, 'thread 0');
  t.is(details.lines[4]?.value, 'GET /');
  t.true(
    spokenSample(data, { lane, at, node }).startsWith(
      `${details.name}, ${details.place}, lane thread 0, from `,
    ),
  );
  const event = lanes.at(-1) as (typeof lanes)[number];
  const told = sampleDetails(data, { lane: event, at: 0, node: 0 });
  t.is(told.name, 'http');
  t.deepEqual(
    told.lines.map(({ name }) => name),
    ['lane', 'began', 'took', 'event'],
  );
  const unlabelled = { ...data, labels: [], node: data.node.slice().fill(1) };
  t.is(eventName(unlabelled, 0), data.frames.name[data.frame[1] as number] as string);
  t.is(eventName({ ...unlabelled, node: data.node.slice().fill(0) }, 0), 'event');
});

test('a strip is as high as its thread was busy, each bar is drawn once, and an idle thread has none', (t) => {
  const data = randomTimeline(4);
  const lane = threadsOf(data)[0] as LaneSamples;
  const look: Look = {
    surface: surface(),
    text: monospace(),
    ground: 'ground',
    line: 'line',
    kinds: [...SELF_KINDS],
    stacks: { fills: [], of: () => 0 },
    events: { fills: [], of: () => 0 },
  };
  for (const view of [
    { start: 0, end: 6000 },
    { start: 200, end: 260 },
  ]) {
    const pen = new RecordingPen();
    paintBusy({ pen, look, width: 401, height: 400, view }, lane, 50, 20);
    const [ground, ...bars] = pen.boxes;
    t.deepEqual([ground?.left, ground?.top, ground?.width, ground?.height], [0, 50, 401, 20]);
    const bar = (view.end - view.start) / 401;
    for (let column = 0; column < 400; column++) {
      const own = bars
        .filter(({ left, width }) => left <= column && column < left + width)
        .sort((a, b) => b.top - a.top);
      let bottom = 70;
      for (const { top, height } of own) {
        t.is(top + height, bottom);
        bottom = top;
      }
      t.true(bottom >= 50);
      const from = view.start + Math.floor(column / 2) * 2 * bar;
      const busy = busyByHand(data, lane.index, from, from + 2 * bar).reduce((sum, value) => sum + value, 0);
      t.true(Math.abs(70 - bottom - (busy / (2 * bar)) * 20) <= 0.5 + 1e-6);
    }
  }
  const idle = new RecordingPen();
  paintBusy({ pen: idle, look, width: 401, height: 400, view: { start: 1e6, end: 2e6 } }, lane, 50, 20);
  t.is(idle.boxes.length, 1);
});
