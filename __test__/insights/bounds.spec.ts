/** Where each rule begins to find something: on stacks that are made for it, just below its bound and just above. */
import test from 'ava';
import type { Facts } from '#src/insights/facts.js';
import { RULES } from '#src/insights/rules/index.js';
import { APP, factsOf, frameOf, LOOP, momentsOf, NAMED, stacksOf } from './support/facts.js';
import { stacksFrom } from './support/stacks.js';

const IDLE = ['native|uv_run|', 'native|uv__io_poll|', 'native|epoll_pwait|'];
const V8 = 'native|v8::internal::';
const MODULES = 'node:internal/modules/cjs/loader';

async function check(id: string, facts: Facts) {
  const rule = RULES.find((one) => one.id === id);
  if (!rule) throw new Error(`there is no rule ${id}`);
  return rule.check(facts);
}

/** Rules that bound a share: the bound, and stacks that count; below them, stacks that another rule has or nobody. */
const SHARES: [id: string, bound: number, counts: string[][], doesNot?: string[][]][] = [
  [
    'sync-fs',
    0.1,
    [
      [APP, 'node|readFileSync|node:fs', 'node|tryReadSync|node:fs', 'native|node::fs::Read|'],
      [APP, 'app|node:fs:statSync:1690|node:fs'],
      [APP, 'node|rimrafSync|node:internal/fs/rimraf'],
    ],
    [
      [APP, `node|require|${MODULES}`, 'node|readFileSync|node:fs'],
      [APP, 'node|log|node:internal/console/constructor', 'node|writeSync|node:fs'],
      [APP, 'node|readFile|node:fs'],
      [APP, 'app|readFileSync|/srv/fs.js'],
    ],
  ],
  [
    'sync-crypto',
    0.15,
    [
      [APP, 'node|pbkdf2Sync|node:internal/crypto/pbkdf2'],
      [APP, 'node|createHash|node:crypto'],
    ],
    [[APP, 'app|encrypt|/srv/crypto.js']],
  ],
  [
    'sync-zlib',
    0.1,
    [[APP, 'node|syncBufferWrapper|node:zlib', 'native|deflate|']],
    [[APP, 'node|processChunk|node:zlib']],
  ],
  [
    'json',
    0.2,
    [
      [APP, `${V8}Builtin_JsonParse|`, `${V8}JsonParser<unsigned char>::ParseJson|`],
      [APP, `${V8}Builtin_JsonStringify|`, `${V8}JsonStringify|`],
    ],
    [[APP, 'node|log|node:internal/console/constructor', `${V8}Builtin_JsonStringify|`]],
  ],
  [
    'regular-expression',
    0.1,
    [[APP, 'node|RegExpPrototypeTest|', 'node|RegExp: /^(a:b:1|', `${V8}RegExpImpl::Irregexp|`]],
    [[APP, 'app|RegExp: /a/|/srv/app.js']],
  ],
  ['garbage-collection', 0.2, [[APP, 'gc|(garbage collector)|'], ['node|:Garbage Collection:0|']]],
  [
    'module-loading',
    0.05,
    [[APP, `node|require|${MODULES}`, `node|Module._load|${MODULES}`, 'app|<top>|/srv/late.js']],
    [
      [
        `node|Module._load|${MODULES}`,
        'app|<top>|/srv/main.js',
        `node|require|${MODULES}`,
        'app|<top>|/srv/a.js',
      ],
    ],
  ],
  [
    'logging',
    0.1,
    [
      [APP, 'node|log|node:internal/console/constructor', 'native|write|'],
      [
        APP,
        'package|write|/srv/node_modules/pino/lib/proto.js',
        'package|flush|/srv/node_modules/sonic-boom/index.js',
      ],
    ],
    [[APP, 'package|pinoccio|/srv/node_modules/pinoccio/index.js']],
  ],
  [
    'exceptions',
    0.05,
    [
      [APP, `${V8}Builtin_ErrorConstructor|`, `${V8}ErrorUtils::Construct|`],
      [APP, `${V8}Isolate::Throw|`],
      [APP, 'node|prepareStackTraceCallback|node:internal/errors'],
    ],
    [[APP, 'node|wrappedFn|node:internal/errors']],
  ],
  [
    'deoptimisation',
    0.02,
    [[APP, 'node|DeoptimizationEntry_Lazy|', `${V8}Deoptimizer::New|`]],
    [[APP, `${V8}Compiler::CompileOptimized|`]],
  ],
];

for (const [id, bound, counts, doesNot = []] of SHARES) {
  test(`${id} begins at ${bound * 100} % of what the main thread does`, async (t) => {
    for (const path of counts) {
      const seconds = 80 * bound;
      const below = await check(id, factsOf(stacksOf([[[...LOOP, ...path], seconds - 0.01]])));
      t.is(below.state, 'fine', path.join(' '));
      const above = await check(id, factsOf(stacksOf([[[...LOOP, ...path], seconds + 0.01]])));
      if (above.state !== 'found') return t.fail(`${path.join(' ')}: ${above.state}`);
      t.true(Math.abs(above.finding.share - bound) < 0.001);
      t.is(above.finding.value, (seconds + 0.01) * 1e9);
      if (path.includes(APP)) t.is(above.finding.callers[0]?.frame.name, 'handle');
    }
    for (const path of doesNot) {
      const verdict = await check(id, factsOf(stacksOf([[[...(path[0] === APP ? LOOP : []), ...path], 60]])));
      t.deepEqual(verdict, { state: 'fine', share: 0 }, path.join(' '));
    }
  });
}

test('two patterns below the bound are none above it', async (t) => {
  const paths = ['a', 'b'].map((pattern): [string[], number] => [[APP, `node|RegExp: ${pattern}|`], 7.9]);
  t.is((await check('regular-expression', factsOf(stacksOf(paths)))).state, 'fine');
});

test('of little nothing is told', async (t) => {
  const path = [APP, 'node|pbkdf2Sync|node:internal/crypto/pbkdf2'];
  const few = (samples: number) => factsOf(stacksOf([[path, 40]]), { samples });
  t.is((await check('sync-crypto', few(100))).state, 'found');
  const verdict = await check('sync-crypto', few(99));
  if (verdict.state !== 'unknown') return t.fail(verdict.state);
  t.regex(
    verdict.reason,
    /busy for 80\.0 s of CPU time and 99 samples, and 500 ms and 100 samples are needed.*longer range/,
  );
  // Nine samples and a half of the problem itself.
  const rare = stacksOf([[[APP, `${V8}Deoptimizer::New|`], 4]]);
  const own = await check('deoptimisation', factsOf(rare, { samples: 190 }));
  if (own.state !== 'unknown') return t.fail(own.state);
  t.regex(own.reason, /it is 5\.0 %, but of 9 samples and 4\.00 s only/);
  t.is((await check('deoptimisation', factsOf(rare, { samples: 200 }))).state, 'found');
  const short = stacksFrom([[path.map(frameOf), 4.9e8]]);
  t.is((await check('sync-crypto', factsOf(short, { samples: 1000 }))).state, 'unknown');
  const empty = await check('json', factsOf(stacksFrom([])));
  if (empty.state !== 'unknown') return t.fail(empty.state);
  t.regex(empty.reason, /no sample of a thread called "Main Event Loop"/);
});

test('a thread that has little to do has no severe problem', async (t) => {
  const path = [APP, 'node|pbkdf2Sync|node:internal/crypto/pbkdf2'].map(frameOf);
  for (const [idle, severity] of [
    [18, 'high'],
    [20, 'low'],
  ] as const) {
    const verdict = await check(
      'sync-crypto',
      factsOf(
        stacksFrom([
          [path, 1e9],
          [IDLE.map(frameOf), idle * 1e9],
        ]),
      ),
    );
    if (verdict.state !== 'found') return t.fail(verdict.state);
    t.is(verdict.finding.severity, severity);
  }
});

test('what needs native frames is not told as absent without them', async (t) => {
  const bare = factsOf(stacksFrom([[[...LOOP, APP].map(frameOf), 80e9]]));
  const states = await Promise.all(RULES.map(async ({ id }) => [id, (await check(id, bare)).state]));
  t.deepEqual(
    states.filter(([, state]) => state === 'unknown').map(([id]) => id),
    ['blocked-loop', 'json', 'pool', 'exceptions', 'deoptimisation'],
  );
});

test('the pool begins at three quarters of the time of its threads', async (t) => {
  const worker = ['native|start_thread|', 'native|worker|'].map(frameOf);
  const at = (busy: number, threads = 4) => {
    const stacks = stacksFrom([
      [[...worker, frameOf('native|uv__fs_work|'), frameOf('native|read|')], (busy - 5) * 1e9],
      // A wait that is a part of the work.
      [[...worker, frameOf('native|uv__fs_work|'), frameOf('native|uv_mutex_lock|')], 5e9],
      [[...worker, frameOf('native|uv_mutex_lock|')], 5e9],
      [[...worker, frameOf('native|uv_cond_wait|'), frameOf('native|pthread_cond_wait|')], (95 - busy) * 1e9],
    ]);
    return factsOf(stacksOf([]), { pool: () => Promise.resolve({ stacks, threads }) });
  };
  t.is((await check('pool', at(74.9))).state, 'fine');
  const verdict = await check('pool', at(75.1));
  if (verdict.state !== 'found') return t.fail(verdict.state);
  t.is(verdict.finding.severity, 'medium');
  t.deepEqual(verdict.finding.frames, [{ frame: frameOf('native|uv__fs_work|'), value: 75.1e9 }]);
  t.deepEqual(await check('pool', at(95, 0)), { state: 'fine', share: 0 });
});

const WAIT: [string[], number, number] = [IDLE, 0, 500];
/** So many samples in a row in a function, one each ten milliseconds. */
const run = (count: number, leaf = 'app|step|/srv/app.js') =>
  Array.from({ length: count }, (_, index): [string[], number] => [
    [...LOOP, APP, index % 2 ? leaf : `${leaf}2`],
    10,
  ]);
const blocked = (given: Parameters<typeof momentsOf>[0]) =>
  check(
    'blocked-loop',
    factsOf(stacksOf([]), { samples: 8000, moments: () => Promise.resolve(momentsOf(given)) }),
  );

test('the loop is blocked from a tenth of a second on, by the function that is there all the time', async (t) => {
  t.is((await blocked([WAIT, ...run(9), WAIT])).state, 'fine');
  const verdict = await blocked([WAIT, ...run(10), WAIT]);
  if (verdict.state !== 'found') return t.fail(verdict.state);
  t.deepEqual(verdict.finding.frames, [{ frame: frameOf(APP), value: 100e6 }]);
  t.regex(
    verdict.finding.evidence[0] ?? '',
    /blocked once, for 100 ms at the longest, at 1970-01-01T00:00:00\.600Z, in handle\./,
  );
  // With the loop itself in the middle it is two of 60 ms.
  t.is((await blocked([WAIT, ...run(6), [LOOP, 10], ...run(6), WAIT])).state, 'fine');
});

test('short calls that are met often in a row are no block', async (t) => {
  // In nine of ten samples: runs of twenty come about by chance.
  const often = Array.from({ length: 100 }, () => [
    ...run(20),
    [LOOP, 10] as [string[], number],
    [LOOP, 10] as [string[], number],
  ]).flat();
  t.is((await blocked(often)).state, 'fine');
  t.is((await blocked([...often, WAIT, ...run(120), WAIT])).state, 'found');
});

test('what the loop has measured is believed before chance: for how long events waited', async (t) => {
  const measured = (milliseconds: number, given: Parameters<typeof momentsOf>[0]) =>
    check(
      'blocked-loop',
      factsOf(stacksOf([]), {
        samples: 8000,
        moments: () => Promise.resolve(momentsOf(given)),
        delays: () => Promise.resolve({ at: () => milliseconds }),
      }),
    );
  const once = [WAIT, ...run(20), WAIT];
  t.is((await measured(200, once)).state, 'found');
  t.is((await measured(150, once)).state, 'fine');
  // A thousand times where the function has nearly all of the time: none of them is rare.
  const often = Array.from({ length: 1000 }, () => [...run(20), [LOOP, 10] as [string[], number]]).flat();
  t.is((await blocked(often)).state, 'fine');
  const verdict = await measured(200, often);
  if (verdict.state !== 'found') return t.fail(verdict.state);
  t.regex(verdict.finding.evidence[0] ?? '', /blocked 1000 times, for 200 ms at the longest/);
  // Longer ones are several calls, and much shorter ones are not what events waited for.
  t.is((await measured(120, often)).state, 'fine');
  t.is((await measured(400, often)).state, 'fine');
});

test('of sleeps that are one sample the time is told that an event had to wait', async (t) => {
  const asleep: [string[], number, number] = [[...LOOP, APP, 'node|spawnSync|node:child_process'], 0, 650];
  const moments = { ...momentsOf([WAIT, asleep, WAIT, ...run(1)]), processes: ['one'] };
  const facts = factsOf(stacksOf([]), {
    samples: 8000,
    moments: () => Promise.resolve(moments),
    delays: () => Promise.resolve({ at: (process) => (process === 'one' ? 210 : undefined) }),
  });
  const verdict = await check('blocked-loop', facts);
  if (verdict.state !== 'found') return t.fail(verdict.state);
  t.deepEqual(verdict.finding.frames, [{ frame: frameOf(APP), value: 210e6 }]);
});

test('a thread that sleeps more than it computes is told of by what it sleeps in', async (t) => {
  const path = [...LOOP, APP, 'node|readFileSync|node:fs'];
  const facts = factsOf(stacksOf([[path, 40]]));
  const asleep = { ...facts, cpu: { ...facts.cpu, busy: 3e8 } };
  t.is((await check('sync-fs', asleep)).state, 'found');
  const verdict = await check('sync-crypto', asleep);
  if (verdict.state !== 'unknown') return t.fail(verdict.state);
  t.regex(verdict.reason, /busy for 300 ms of CPU time and 8000 samples/);
});

test('a block is told where the functions around it are there all the time', async (t) => {
  const inside = (count: number, name: string) =>
    Array.from({ length: count }, (_, index): [string[], number] => [
      [...LOOP, APP, `app|${name}|/srv/routes.js`, `app|step${index % 2}|/srv/app.js`],
      10,
    ]);
  // Never idle, all of it below the function that takes requests.
  const busy = Array.from({ length: 300 }, () => [
    ...inside(1, 'list'),
    ...inside(1, 'show'),
    ...inside(1, 'save'),
  ]).flat();
  t.is((await blocked(busy)).state, 'fine');
  const verdict = await blocked([...busy, ...inside(30, 'report'), ...busy]);
  if (verdict.state !== 'found') return t.fail(verdict.state);
  t.deepEqual(verdict.finding.frames, [{ frame: frameOf('app|report|/srv/routes.js'), value: 300e6 }]);
});

test('time that other programs had does not count, and a sleep that was asked for does', async (t) => {
  const robbed: [string[], number, number] = [[...LOOP, APP], 10, 100];
  t.is((await blocked([WAIT, robbed, robbed, WAIT])).state, 'fine');
  const asleep: [string[], number, number] = [[...LOOP, APP, 'node|spawnSync|node:child_process'], 0, 100];
  t.is((await blocked([WAIT, asleep, WAIT, ...run(1)])).state, 'found');
});

test('the start of the program is no block', async (t) => {
  const start = Array.from({ length: 50 }, (): [string[], number] => [
    [
      `node|Module._load|${MODULES}`,
      'app|<top>|/srv/main.js',
      `node|require|${MODULES}`,
      'app|<top>|/srv/a.js',
    ],
    10,
  ]);
  t.is((await blocked([...start, WAIT])).state, 'fine');
});

test('where single samples are left out, or are not there, blocks are not told as absent', async (t) => {
  for (const [moments, reason] of [
    [momentsOf([]), /single samples with their times are needed/],
    [{ ...momentsOf([WAIT]), omitted: 1 }, /more single samples in this range than are looked at/],
  ] as const) {
    const verdict = await check(
      'blocked-loop',
      factsOf(stacksOf([[NAMED, 1]]), { moments: () => Promise.resolve(moments) }),
    );
    if (verdict.state !== 'unknown') return t.fail(verdict.state);
    t.regex(verdict.reason, reason);
  }
});
