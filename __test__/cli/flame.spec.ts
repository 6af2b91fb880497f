import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import test from 'ava';
import { SaxesParser } from 'saxes';
import { buildProfile, type GivenSample } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { readProfile } from '../support/pprof.js';
import { CLI, everflame, run } from '../support/spawn.js';

const TYPES: [string, string][] = [
  ['sample', 'count'],
  ['wall', 'nanoseconds'],
];
const MAIN = 'Main Event Loop';
const NASTY = [
  '<script>alert(1)</script>',
  `"quoted" & 'single'`,
  ']]> end of data',
  'control \u0000\u0007\u001b\ufffe',
  'lone \ud800 surrogate',
  'line\nbreak\ttab\r',
  'смешанный 漢字 🔥',
  '&amp; already',
];

interface Box {
  name: string;
  left: number;
  share: number;
  title: string;
  fill: string;
  y: number;
}

/** Reads the boxes with a parser that accepts nothing but well-formed XML. */
function parse(svg: string): { boxes: Box[]; scripts: string[] } {
  const boxes: Box[] = [];
  const scripts: string[] = [];
  const path: string[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    path.push(name);
    const last = boxes.at(-1);
    if (name === 'g' && attributes.class === 'box') {
      const [left, share] = [Number(attributes['data-left']), Number(attributes['data-share'])];
      boxes.push({ name: String(attributes['data-name']), left, share, title: '', fill: '', y: 0 });
    } else if (name === 'rect' && last?.fill === '') {
      last.fill = String(attributes.fill);
      last.y = Number(attributes.y);
    }
  });
  parser.on('closetag', () => path.pop());
  parser.on('text', (text) => {
    const last = boxes.at(-1);
    if (path.at(-1) === 'title' && last) last.title += text;
  });
  parser.on('cdata', (text) => scripts.push(text));
  parser.write(svg).close();
  return { boxes, scripts };
}

async function draw(folder: string, samples: GivenSample[], ...args: string[]) {
  const file = join(folder, 'p.pprof');
  buildProfile(file, TYPES, samples);
  const end = await everflame(['flame', file, '-o', 'out.svg', ...args], { cwd: folder });
  return {
    end,
    svg: existsSync(join(folder, 'out.svg')) ? readFileSync(join(folder, 'out.svg'), 'utf8') : '',
  };
}

test('any character in a name leaves the file well-formed, and nothing runs from it', async (t) => {
  const folder = temporaryFolder(t);
  const { end, svg } = await draw(
    folder,
    NASTY.map((name) => ({
      values: [1, 10],
      stack: [{ name, file: `/${name}.js`, startLine: 1 }],
      thread: name,
    })),
  );
  t.is(end.code, 0, end.stderr);
  const { boxes, scripts } = parse(svg);
  // Each is a thread and a function in it, below the one for all.
  t.is(boxes.length, 2 * NASTY.length + 1);
  t.is(scripts.length, 1);
  t.false(svg.includes('<script>alert'));
  for (const name of [
    '<script>alert(1)</script>',
    `"quoted" & 'single'`,
    'line\nbreak\ttab\r',
    'смешанный 漢字 🔥',
  ]) {
    t.true(
      boxes.some((box) => box.name === name),
      name,
    );
  }
});

test('the script inside is JavaScript', async (t) => {
  const { svg } = await draw(temporaryFolder(t), [{ values: [1, 1], stack: [{ name: 'f', file: '/f.js' }] }]);
  t.notThrows(() => new Script(parse(svg).scripts[0] ?? ''));
});

/** Runs the script of a flame graph in just as much of a document as it touches. `answer` is what a search is given. */
function runScript(svg: string, width: number, answer = '') {
  const { boxes, scripts } = parse(svg);
  const element = (attributes: Record<string, unknown> = {}) => ({
    attributes,
    listeners: {} as Record<string, () => void>,
    classes: {} as Record<string, boolean>,
    textContent: '',
    localName: 'svg',
    get classList() {
      return {
        toggle: (name: string, on: boolean) => {
          this.classes[name] = on;
        },
      };
    },
    getAttribute: (key: string) => attributes[key],
    getBoundingClientRect: () => ({ width }),
    setAttribute: (key: string, value: unknown) => {
      attributes[key] = value;
    },
    addEventListener(event: string, listener: () => void) {
      this.listeners[event] = listener;
    },
  });
  const parts = boxes.map((box) => {
    const children = { rect: element(), text: element(), title: element() };
    children.title.textContent = box.title;
    const group = element({ 'data-name': box.name, 'data-left': box.left, 'data-share': box.share });
    const querySelector = (tag: keyof typeof children) => children[tag];
    return { ...children, box, group: Object.assign(group, { querySelector }) };
  });
  const byId = { details: element(), header: element(), reset: element(), search: element() };
  const root = element({ height: Number(/ height="(\d+)"/.exec(svg)?.[1]) });
  const window = Object.assign(element(), { scrollY: 0, prompt: () => answer });
  new Script(scripts[0] ?? '').runInNewContext({
    window,
    document: {
      documentElement: root,
      querySelectorAll: () => parts.map(({ group }) => group),
      getElementById: (id: keyof typeof byId) => byId[id],
      addEventListener: () => undefined,
    },
  });
  return { parts, byId, root, window };
}

test('the script inside cuts names as the drawing does', async (t) => {
  const names = ['short', '🔥'.repeat(400), `${'x'.repeat(300)}end`];
  const { svg } = await draw(
    temporaryFolder(t),
    names.map((name, index) => ({ values: [1, 10 ** (3 - index)], stack: [{ name, file: `/${index}.js` }] })),
  );
  const { parts } = runScript(svg, 1200);
  const labels = [...svg.matchAll(/<text x="[\d.]+" y="[\d.]+">([^<]*)<\/text><\/g>/g)].map(
    ([, text]) => text,
  );
  t.deepEqual(
    parts.map(({ text }) => text.textContent),
    labels,
  );
  t.true(
    labels.some((text) => /^(🔥)+…$/u.test(text ?? '')),
    labels.join(),
  );
  t.true(labels.includes(''));
});

test('a deep graph has its whole height, the width of the window, and text that is not scaled', async (t) => {
  const stack = Array.from({ length: 450 }, (_, index) => ({ name: `f${index}`, file: '/f.js' }));
  const { svg } = await draw(temporaryFolder(t), [{ values: [1, 7], stack }]);
  const [, width, height, viewBox] =
    /<svg [^>]*width="(\d+)" height="(\d+)" viewBox="([\d ]+)"/.exec(svg) ?? [];
  t.is(viewBox, `0 0 ${width} ${height}`);
  const ends = parse(svg).boxes.map(({ y }) => y);
  t.is(ends.length, 452);
  t.true(Math.max(...ends) < Number(height));
  t.true(Number(/font-size="(\d+)"/.exec(svg)?.[1]) >= 11);

  for (const [window, used] of [
    [1913, 1913],
    [300, 640],
  ] as const) {
    const { root, parts } = runScript(svg, window);
    t.like(root.attributes, { width: used, viewBox: `0 0 ${used} ${height}` });
    t.is(parts[0]?.rect.attributes.width, used - 20);
  }
});

test('a stack deeper than a function may call itself is drawn to its leaf', async (t) => {
  const stack = Array.from({ length: 20_000 }, (_, index) => ({ name: `f${index}`, file: '/deep.js' }));
  const { end, svg } = await draw(temporaryFolder(t), [{ values: [1, 1], stack }]);
  t.is(end.code, 0, end.stderr);
  t.is(parse(svg).boxes.at(-1)?.name, 'f19999');
});

test('the header stays in sight, and a zoom stays when the window changes', async (t) => {
  const { svg } = await draw(temporaryFolder(t), [
    { values: [1, 25], stack: [{ name: 'quarter', file: '/f.js' }] },
    { values: [1, 75], stack: [{ name: 'rest', file: '/f.js' }] },
  ]);
  const { parts, byId, window } = runScript(svg, 1000);
  window.scrollY = 5000;
  window.listeners.scroll?.();
  t.is(byId.header.attributes.transform, 'translate(0 5000)');
  const quarter = parts.find(({ box }) => box.name === 'quarter');
  t.is(quarter?.rect.attributes.width, 245);
  quarter?.group.listeners.click?.();
  window.listeners.resize?.();
  t.is(quarter?.rect.attributes.width, 980);
});

test('a search finds functions by their names, files and packages', async (t) => {
  const { svg } = await draw(temporaryFolder(t), [
    {
      values: [1, 20],
      stack: [{ name: 'render', file: '/app/node_modules/@scope/md/lib/a.js', startLine: 7 }],
    },
    { values: [1, 30], stack: [{ name: 'memcpy', module: '/usr/lib/libc.so.6' }] },
    { values: [1, 50], stack: [{ name: 'line\nbreak', file: '/app/src/main.js' }] },
  ]);
  for (const [pattern, names] of [
    ['^RENDER$', ['render']],
    ['@scope/md', ['render']],
    ['^/app/node_modules/.*:7$', ['render']],
    ['libc', ['memcpy']],
    ['^/app/src/', ['line\nbreak']],
    ['20 ns', []],
    ['', []],
  ] as const) {
    const { parts, byId } = runScript(svg, 1000, pattern);
    byId.search.listeners.click?.();
    const found = parts.filter(({ group }) => group.classes.found).map(({ box }) => box.name);
    t.deepEqual(found, [...names], pattern);
  }
});

test('a box is as wide as its share, and within the box of its caller', async (t) => {
  const f = { name: 'f', file: '/f.js', startLine: 1 };
  const g = { name: 'g', file: '/g.js', startLine: 2 };
  const h = { name: 'h', file: '/h.js', startLine: 3 };
  const { svg } = await draw(temporaryFolder(t), [
    { values: [1, 20], stack: [f, g], thread: MAIN },
    { values: [1, 30], stack: [f, h], thread: MAIN },
    { values: [1, 10], stack: [f], thread: MAIN },
    { values: [1, 40], stack: [h], thread: 'other' },
  ]);
  const { boxes } = parse(svg);
  const shares = boxes.map(({ name, share, y }) => [name, Math.round(share * 100), y] as const);
  const rows = [...new Set(boxes.map(({ y }) => y))].sort((a, b) => a - b);
  const [all, thread, first, second] = rows;
  t.deepEqual(
    [...shares].sort((a, b) => a[2] - b[2] || b[1] - a[1]),
    [
      ['all', 100, all],
      [MAIN, 60, thread],
      ['other', 40, thread],
      ['f', 60, first],
      ['h', 40, first],
      ['h', 30, second],
      ['g', 20, second],
    ],
  );
  for (const box of boxes.filter(({ y }) => y !== all)) {
    const parent = boxes.find(
      (other) =>
        other.y === box.y - ((thread as number) - (all as number)) &&
        other.left <= box.left + 1e-6 &&
        box.left + box.share <= other.left + other.share + 1e-6,
    );
    t.truthy(parent, box.name);
  }
  t.is(boxes.find(({ name }) => name === 'g')?.title, 'g\n/g.js:2\n20 ns (20.0 %)');
});

test('colours tell your code, packages, Node.js, native code and garbage collection apart', async (t) => {
  const { svg } = await draw(temporaryFolder(t), [
    { values: [1, 10], stack: [{ name: 'app', file: '/app/a.js' }] },
    { values: [1, 10], stack: [{ name: 'package', file: '/app/node_modules/p/a.js' }] },
    { values: [1, 10], stack: [{ name: 'node', file: 'node:fs' }] },
    { values: [1, 10], stack: [{ name: 'native', module: '/lib/libc.so' }] },
    { values: [1, 10], stack: [{ name: '(garbage collector)' }] },
  ]);
  const fills = parse(svg).boxes.map(({ fill }) => fill);
  t.is(new Set(fills).size, 6);
});

test('one thread alone, and the error that names the threads there are', async (t) => {
  const folder = temporaryFolder(t);
  const samples = [
    { values: [1, 20], stack: [{ name: 'f', file: '/f.js' }], thread: MAIN },
    { values: [1, 80], stack: [{ name: 'g', file: '/g.js' }], thread: 'other' },
  ];
  const { svg } = await draw(folder, samples, '--thread', MAIN);
  t.deepEqual(
    parse(svg).boxes.map(({ name, share }) => [name, share]),
    [
      ['all', 1],
      [MAIN, 1],
      ['f', 1],
    ],
  );
  const { end } = await draw(folder, samples, '--thread', 'main');
  t.is(end.code, 1);
  t.regex(end.stderr, /no wall values of a thread named "main"; there is "Main Event Loop", "other"\n$/);
  const empty = await draw(folder, [], '--thread', MAIN);
  t.is(empty.end.code, 1);
  t.is(
    empty.end.stderr,
    'everflame: error: no wall values of a thread named "Main Event Loop", nor of any other: the profile has no wall values. Name another file, or another --type\n',
  );
});

test('a flame graph that cannot be written is one line and exit code 1', async (t) => {
  const { end } = await draw(
    temporaryFolder(t),
    [{ values: [1, 1], stack: [] }],
    '-o',
    '/proc/nowhere/x.svg',
  );
  t.is(end.code, 1);
  t.regex(
    end.stderr,
    /^everflame: error: cannot write \/proc\/nowhere\/x\.svg: ENOENT.*\. Name another file with -o\n$/,
  );
});

test('a full disk leaves the flame graph as it was, or none', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'p.pprof');
  buildProfile(file, TYPES, [{ values: [1, 1], stack: [] }]);
  const output = join(folder, 'out.svg');
  // A file may have one block: every graph is larger.
  const draw = () =>
    run('sh', ['-c', 'ulimit -f 1; exec "$0" "$@"', process.execPath, CLI, 'flame', file, '-o', output]);
  for (const before of [undefined, 'the graph before']) {
    if (before !== undefined) writeFileSync(output, before);
    const end = await draw();
    t.is(end.code, 1);
    t.is(
      end.stderr,
      `everflame: error: cannot write ${output}: EFBIG: file too large, write. Name another file with -o\n`,
    );
    t.deepEqual(readdirSync(folder), before === undefined ? ['p.pprof'] : ['out.svg', 'p.pprof']);
    if (before !== undefined) t.is(readFileSync(output, 'utf8'), before);
  }
});

test('a flame graph takes the place of a file with its rights, behind a link too, and goes into a pipe', async (t) => {
  const folder = temporaryFolder(t);
  const target = join(folder, 'target.svg');
  writeFileSync(target, 'before');
  chmodSync(target, 0o600);
  symlinkSync('target.svg', join(folder, 'out.svg'));
  symlinkSync('nothing.svg', join(folder, 'dangling.svg'));
  const samples = [{ values: [1, 1], stack: [] }];
  const { end, svg } = await draw(folder, samples);
  t.is(end.code, 0, end.stderr);
  t.is(parse(svg).boxes.length, 2);
  t.is(readlinkSync(join(folder, 'out.svg')), 'target.svg');
  t.is(statSync(target).mode & 0o777, 0o600);
  t.is((await draw(folder, samples, '-o', 'dangling.svg')).end.code, 0);
  t.is(readFileSync(join(folder, 'nothing.svg'), 'utf8'), svg);
  const piped = await run('sh', ['-c', '"$0" "$1" flame p.pprof -o - | cat', process.execPath, CLI], {
    cwd: folder,
  });
  t.is(piped.stdout, svg);
  t.regex(piped.stderr, /^\/dev\/stdout: .*Open it in a browser/);
  const commands = '(echo before; "$0" "$1" flame p.pprof -o -; echo after) > all.txt';
  await run('sh', ['-c', commands, process.execPath, CLI], { cwd: folder });
  t.is(readFileSync(join(folder, 'all.txt'), 'utf8'), `before\n${svg}after\n`);
  t.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('a flame graph is never written over a profile that it is drawn from', async (t) => {
  const folder = temporaryFolder(t);
  const profile = join(folder, 'p.pprof');
  symlinkSync(profile, join(folder, 'link.svg'));
  for (const output of ['p.pprof', './p.pprof', 'link.svg']) {
    const { end } = await draw(folder, [{ values: [1, 1], stack: [] }], '-o', output);
    t.is(end.code, 1);
    t.is(
      end.stderr,
      `everflame: error: ${output} is the profile ${profile} itself. Name another file with -o\n`,
    );
    t.is(readProfile(profile).samples.length, 1);
  }
});

test('of a difference the gains are drawn, and a line says what is left out', async (t) => {
  const folder = temporaryFolder(t);
  const f = { name: 'f', file: '/f.js' };
  const g = { name: 'g', file: '/g.js' };
  const gain = { values: [1, 30], stack: [f, g], thread: MAIN };
  const loss = { values: [-1, -40], stack: [f], thread: MAIN };
  const { end, svg } = await draw(folder, [gain, loss]);
  t.deepEqual([end.code, end.stderr], [0, '']);
  t.is(
    end.stdout,
    'out.svg: wall, 30 ns. Open it in a browser; click a box to zoom, Ctrl+F to search.\n' +
      'Left out: stacks with values below zero, -40 ns in all; "everflame top" has them.\n',
  );
  t.deepEqual(
    parse(svg).boxes.map(({ name, share }) => [name, share]),
    ['all', MAIN, 'f', 'g'].map((name) => [name, 1]),
  );
  for (const wish of [[], ['--thread', MAIN]]) {
    const all = await draw(folder, [loss], ...wish);
    t.is(all.end.code, 1);
    t.is(
      all.end.stderr,
      'everflame: error: the wall values are all below zero, and a box has no width for them. Take the difference the other way round, or look at it with "everflame top"\n',
    );
  }
});

test('a profile without samples is drawn as an empty picture that says so', async (t) => {
  const { end, svg } = await draw(temporaryFolder(t), []);
  t.is(end.code, 0);
  t.deepEqual(parse(svg).boxes, []);
  t.regex(svg, />no samples</);
});
