import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LoadedProfile } from '#src/profile/model.js';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { type TestNode, testNodes } from '../support/nodes.js';
import { commentsOf, readProfile, shareOf, total } from '../support/pprof.js';
import { AUTO, run } from '../support/spawn.js';
import { type Built, lineOf, WAYS } from './support/author.js';

/** CPU time of each of the two functions, in microseconds. */
interface Spent {
  first: number;
  second: number;
}

for (const node of testNodes()) {
  for (const [title, { build, since = 0, until = Infinity }] of Object.entries(WAYS)) {
    if (Number(node.major) < since || Number(node.major) > until) continue;
    test.serial(`Node.js ${node.major}: frames are the author's: ${title}`, async (t) => {
      const built = await build(t);
      const { profiles, spent } = await profileOf(t, node, built);
      const both = spent.first + spent.second;
      const found = { first: 0, second: 0 };
      for (const name of ['first', 'second'] as const) {
        const file = join(built.sources, `${name}.ts`);
        const lines = linesOf(profiles, file);
        found[name] = sum(lines);
        const own = ['for (let i', '// burns'].map((text) => lineOf(`${name}.ts`, text));
        const there = own.reduce((all, line) => all + (lines.get(line) ?? 0), 0);
        t.true(there / found[name] > 0.95, `${name}: ${[...lines.keys()]}`);
      }
      const share = found.first / (found.first + found.second);
      t.log(`first: ${percent(share)} %, of its own count ${percent(spent.first / both)} %`);
      t.true(Math.abs(share - spent.first / both) < 0.02, `${share}`);
      const all = total(profiles, 'cpu');
      const shown = found.first + found.second;
      t.true((shown + ofProfiler(profiles)) / 1000 > both * 0.95, 'nothing of them stands elsewhere');
      t.true(shown / 1000 < both * 1.05);
      t.true(shown < all);
    });
  }
}

/** CPU time of the profiler's own threads: a program that counts its process's time counts it too. */
function ofProfiler(profiles: LoadedProfile[]): number {
  return total(profiles, 'cpu', ({ labels }) => /^everflame-/.test(labels.get('thread name') ?? ''));
}

/** Maps that are of no use, and what is said of them; nothing where the map itself says that there is nothing. */
const HOSTILE: Record<string, { make: (map: string) => void; reason?: RegExp }> = {
  'cut short': text('{"version":3,"sources":["a.ts"],"mappings":"AAAA', /it is no source map: EOF/),
  'of 1 GB': {
    make: (map) => {
      writeFileSync(map, '');
      truncateSync(map, 2 ** 30);
    },
    reason: /it has 1024 MB, and at most 64 MB are read/,
  },
  'with numbers without end': mappings('g'.repeat(1e6), /its mappings cannot be read/),
  'with numbers beyond all files': mappings('+/////DAAA,A+/////DAA', /its mappings cannot be read/),
  'with sources that it does not list': mappings('AEAA', /its mappings cannot be read/),
  'without sources': text('{"version":3,"sources":null,"mappings":"AAAA"}', /its mappings cannot be read/),
  'of nested sections': text(
    '{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":'.repeat(1e5),
    /it is no source map: recursion limit/,
  ),
  'with too many segments': mappings(';'.repeat(2.1e6), /it has more than 2000000 segments/),
  'in no encoding': {
    make: (map) => writeFileSync(map, Buffer.from('{"version":3,"names":["\xff"],"mappings":""}', 'latin1')),
    reason: /it is no source map: /,
  },
  'that is a pipe': { make: (map) => execFileSync('mkfifo', [map]), reason: /it is no regular file/ },
  'with sources without a name': text('{"version":3,"sources":[null],"mappings":"AAAA;AACA;AACA;AACA"}'),
  'with a source of 8 MB': text(
    `{"version":3,"sources":["${'s'.repeat(8e6)}"],"mappings":"AAAA;AACA;AACA;AACA;AACA;AACA;AACA;AACA"}`,
  ),
  'with a section that is itself': text(
    '{"version":3,"sections":[{"offset":{"line":0,"column":0},"url":"hot.js.map"}]}',
  ),
};

function text(content: string, reason?: RegExp): { make: (map: string) => void; reason?: RegExp } {
  return { make: (map) => writeFileSync(map, content), ...(reason ? { reason } : {}) };
}

function mappings(content: string, reason: RegExp): { make: (map: string) => void; reason?: RegExp } {
  return text(`{"version":3,"sources":["a.ts"],"names":[],"mappings":"${content}"}`, reason);
}

/** On one line: a sample may fall on the end of the function, after its call. */
const HOT = `${BURN}

function hot() { burn(300); }
hot();
`;

for (const node of testNodes()) {
  for (const [title, { make, reason }] of Object.entries(HOSTILE)) {
    test.serial(`Node.js ${node.major}: a map ${title} costs the map alone`, async (t) => {
      const { profiles, stderr } = await profileOfHot(t, node, 'hot.js.map', make);
      t.regex(stderr, reason ? /^everflame: .*\n$/ : /^$/, stderr);
      if (reason) {
        t.regex(stderr, /the source map of \/.*\/hot\.js \(\/.*\/hot\.js\.map\) cannot be used: /);
        t.regex(stderr, reason);
      }
      t.deepEqual(placesOf(profiles, 'hot'), ['hot.js:7']);
      const share = shareOf(profiles, 'cpu', 'hot');
      const all = total(profiles, 'cpu');
      t.log(`${percent(share)} % of ${(all / 1e6).toFixed(0)} ms`);
      t.true(share * all + ofProfiler(profiles) > 240e6, 'nothing is lost');
      t.true(all < 1300e6, `nothing is slow: ${all}`);
    });
  }

  test.serial(`Node.js ${node.major}: a map that is not there is noted in the profile`, async (t) => {
    const missing = await profileOfHot(t, node, 'hot.js.map', () => undefined);
    t.is(missing.stderr, '');
    t.deepEqual(placesOf(missing.profiles, 'hot'), ['hot.js:7']);
    t.deepEqual(notesOf(missing.profiles), ['dd:has-missing-map-files']);
    const elsewhere = await profileOfHot(t, node, 'https://localhost:9/hot.js.map', () => undefined);
    t.deepEqual(notesOf(elsewhere.profiles), ['dd:has-missing-map-files']);
    const none = await profileOfHot(t, node, '', () => undefined);
    t.deepEqual(notesOf(none.profiles), []);
  });
}

const MAPPED = '{"version":3,"sources":["a.ts"],"names":[],"mappings":";;;;;AAAA;AAUA;AACA;AACA"}';

for (const node of testNodes()) {
  test.serial(`Node.js ${node.major}: a comment with code behind it names no map`, async (t) => {
    const inline = `data:application/json;base64,${Buffer.from(MAPPED).toString('base64')}`;
    const write = (map: string): void => writeFileSync(map, MAPPED);
    for (const url of ['hot.js.map', inline]) {
      const last = await profileOfHot(t, node, url, write);
      t.deepEqual(placesOf(last.profiles, 'hot'), ['a.ts:11'], 'the comment is the last');
      const another = `${HOT}//# sourceMappingURL=${url}\nglobalThis.isDone = true;\n`;
      const between = await profileOfHot(t, node, url, write, another);
      t.deepEqual(placesOf(between.profiles, 'hot'), ['hot.js:7']);
      t.is(between.stderr, '');
      t.deepEqual(notesOf(between.profiles), []);
    }
  });

  test.serial(`Node.js ${node.major}: a map is named in either kind of comment`, async (t) => {
    const text = `${HOT}/*# sourceMappingURL=other.map */\n`;
    const write = (map: string): void => writeFileSync(map.replace('hot.js.map', 'other.map'), MAPPED);
    const { profiles, stderr } = await profileOfHot(t, node, '', write, text);
    t.deepEqual(placesOf(profiles, 'hot'), ['a.ts:11']);
    t.is(stderr, '');
  });
}

/** The profile of a program of one file, which names a map with this URL. */
async function profileOfHot(
  t: ExecutionContext,
  node: TestNode,
  url: string,
  make: (map: string) => void,
  code = url ? `${HOT}//# sourceMappingURL=${url}\n` : HOT,
): Promise<{ profiles: LoadedProfile[]; stderr: string }> {
  const program = join(temporaryFolder(t), 'hot.js');
  writeFileSync(program, code);
  make(`${program}.map`);
  const folder = temporaryFolder(t);
  const end = await run(node.path, ['-r', AUTO, program], {
    env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), EVERFLAME_RATE: '500' },
  });
  t.deepEqual([end.code, end.stdout], [0, ''], end.stderr);
  return { profiles: profilesIn(folder).map(readProfile), stderr: end.stderr };
}

/** Where a function executes, as `file:line`. */
function placesOf(profiles: LoadedProfile[], name: string): string[] {
  const frames = profiles.flatMap(({ samples }) => samples.flatMap(({ frames }) => frames));
  const places = frames
    .filter((frame) => frame.name === name)
    .map(({ file, line }) => `${basename(file)}:${line}`);
  return [...new Set(places)];
}

/** What the profiles say to backends that know Datadog's comments. */
function notesOf(profiles: LoadedProfile[]): string[] {
  return commentsOf(profiles).filter((comment) => comment.startsWith('dd:'));
}

/** The profile of a program, and what it says of itself. */
async function profileOf(
  t: ExecutionContext,
  node: TestNode,
  { program, flags = [], env, cwd }: Built,
): Promise<{ profiles: LoadedProfile[]; spent: Spent }> {
  const folder = temporaryFolder(t);
  const end = await run(node.path, ['-r', AUTO, ...flags, program], {
    env: { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'), EVERFLAME_RATE: '500', ...env },
    ...(cwd ? { cwd } : {}),
  });
  t.deepEqual([end.code, end.stderr], [0, ''], end.stdout);
  return { profiles: profilesIn(folder).map(readProfile), spent: JSON.parse(end.stdout) };
}

/** CPU time at each line of the function `work` of a file, with what it called. */
function linesOf(profiles: LoadedProfile[], file: string): Map<number, number> {
  const lines = new Map<number, number>();
  const start = lineOf(file.slice(file.lastIndexOf('/') + 1), 'function work');
  for (const { types, samples } of profiles) {
    const cpu = types.findIndex(({ type }) => type === 'cpu');
    for (const { frames, values } of samples) {
      const frame = frames.find((frame) => frame.file === file && frame.name === 'work');
      if (frame?.startLine === start)
        lines.set(frame.line, (lines.get(frame.line) ?? 0) + (values[cpu] ?? 0));
    }
  }
  return lines;
}

function sum(values: Map<number, number>): number {
  return [...values.values()].reduce((all, value) => all + value, 0);
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}
