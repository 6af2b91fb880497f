import { gzipSync } from 'node:zlib';
import { Function as Called, Line, Location, Profile, Sample, StringTable, ValueType } from 'pprof-format';

const FUNCTIONS = 5000;
const PACKAGES = 80;
const DEEPEST = 60;
/** How often a function calls nothing: so seldom that a walk goes deeper than it goes back. */
const LEAF = 0.12;
/** How far a walk goes back at most before it calls something else. */
const MOST_BACK = 24;

/** The same numbers in each run, 0 to 1: mulberry32. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Stacks whose tree has just so many nodes below its root, as a walk calls and returns: some wide, most narrow.
 * @returns {number[][]} functions, the outermost first
 */
function stacksOf(nodes, random) {
  const stacks = [];
  const path = [];
  const below = [new Set()];
  for (let made = 0; made < nodes; made++) {
    const isLeaf = path.length === DEEPEST || (path.length > 0 && random() < LEAF);
    if (isLeaf) {
      stacks.push([...path]);
      const left = Math.max(0, path.length - 1 - Math.floor(random() ** 3 * MOST_BACK));
      path.length = left;
      below.length = left + 1;
    }
    const siblings = below[path.length];
    let called = Math.floor(random() * FUNCTIONS);
    while (siblings.has(called)) called = (called + 1) % FUNCTIONS;
    siblings.add(called);
    path.push(called);
    below.push(new Set());
  }
  stacks.push(path);
  return stacks;
}

/** A profile, as pprof with gzip, whose tree has `nodes` nodes below its root. */
export function wideProfile(nodes) {
  const random = seeded(1);
  const texts = new StringTable();
  const text = (of) => texts.dedup(of);
  const functions = Array.from({ length: FUNCTIONS }, (_, index) => {
    const folder = index % 3 === 0 ? '/app/src' : `/app/node_modules/package-${index % PACKAGES}/lib`;
    return new Called({
      id: index + 1,
      name: text(`handle${index.toString(36)}`),
      filename: text(`${folder}/module-${index % 400}.js`),
      startLine: 1 + (index % 900),
    });
  });
  const locations = functions.map(
    ({ id, startLine }) => new Location({ id, line: [new Line({ functionId: id, line: startLine })] }),
  );
  const samples = stacksOf(nodes, random).map(
    (stack) =>
      new Sample({
        locationId: stack.map((called) => called + 1).reverse(),
        value: [Math.round(1e6 * (1 + 200 * random() ** 8))],
      }),
  );
  const profile = new Profile({
    sampleType: [new ValueType({ type: text('cpu'), unit: text('nanoseconds') })],
    sample: samples,
    location: locations,
    function: functions,
    stringTable: texts,
    timeNanos: BigInt(Date.now() - 60_000) * 1_000_000n,
    durationNanos: 60_000_000_000n,
  });
  return gzipSync(profile.encode());
}
