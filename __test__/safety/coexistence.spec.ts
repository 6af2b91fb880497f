import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { testNodes } from '../support/nodes.js';
import { readProfile, shareOf, total, withLabel } from '../support/pprof.js';
import { AUTO, ROOT, run } from '../support/spawn.js';

const MAIN = withLabel('thread name', 'Main Event Loop');
/** The profiler that the benchmarks compare us with; their lock file says which release. */
const PEER = join(ROOT, 'bench', 'node_modules', '@datadog', 'pprof');
const CLOCK = join(ROOT, '__test__', 'workloads', 'laws', 'lib', 'clock.js');
/** How often a comparison of two runs may be repeated: another program on the machine slows down one of them alone. */
const ATTEMPTS = 5;

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string }; children?: number[] }[];
  samples: number[];
  /** Microseconds of one clock. */
  startTime: number;
  endTime: number;
}

/** Share of a V8 CPU profile's samples in a function and what it calls. */
function shareInV8({ nodes, samples }: CpuProfile, name: string): number {
  const inside = new Set<number>();
  // A node stands before its children.
  for (const { id, callFrame, children = [] } of nodes) {
    if (callFrame.functionName === name) inside.add(id);
    if (inside.has(id)) for (const child of children) inside.add(child);
  }
  return samples.filter((id) => inside.has(id)).length / samples.length;
}

/** V8 is asked for a sample each millisecond; late ones come in bursts that are no more than that in truth. */
const asked = (rate: number): number => Math.min(rate, 1000);

test.before(() => {
  if (existsSync(join(PEER, 'package.json'))) return;
  throw new Error(`${PEER} is missing. Run "npm ci --prefix bench", or all of it with "npm test".`);
});

for (const { major, path } of testNodes()) {
  test.serial(`Node.js ${major}: --cpu-prof samples as often as without us, and so do we`, async (t) => {
    /** Samples of V8's profiler in a second of its own time: the best of the attempts, since noise only takes away. */
    const best = { without: 0, withUs: 0 };
    for (let attempt = 0; attempt < ATTEMPTS && best.withUs <= asked(best.without) * 0.7; attempt++) {
      for (const profiled of [false, true]) {
        const folder = temporaryFolder(t);
        const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
        const env = profiled ? { DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') } : {};
        const auto = profiled ? ['--require', AUTO] : [];
        const end = await run(path, [...flags, ...auto, '-e', `${BURN} burn(800);`], { env });
        t.deepEqual([end.code, end.stderr], [0, '']);
        const [file, ...others] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
        t.is(others.length, 0);
        const profile = JSON.parse(readFileSync(join(folder, file ?? ''), 'utf8')) as CpuProfile;
        t.true(shareInV8(profile, 'burn') > 0.5, `${shareInV8(profile, 'burn')}`);
        const rate = profile.samples.length / ((profile.endTime - profile.startTime) / 1e6);
        if (profiled) {
          best.withUs = Math.max(best.withUs, rate);
          const ours = profilesIn(folder).map(readProfile);
          t.true(shareOf(ours, 'cpu', 'burn', MAIN) > 0.6);
        } else {
          best.without = Math.max(best.without, rate);
        }
      }
    }
    const rates = `${best.withUs.toFixed(0)} samples a second, ${best.without.toFixed(0)} without us`;
    t.log(rates);
    t.true(best.withUs > asked(best.without) * 0.7, rates);
  });

  test.serial(`Node.js ${major}: an inspector session in the middle takes none of our samples`, async (t) => {
    const folder = temporaryFolder(t);
    // Three equal parts; V8's profiler runs in the second.
    const script = `${BURN}
      const { Session } = require('node:inspector');
      const profiler = new (require(${JSON.stringify(ROOT)}).Profiler)({ output: ${JSON.stringify(join(folder, 'p'))}, rate: 200 }).start();
      const session = new Session();
      const post = (method) => { let result; session.post(method, (error, value) => { if (error) throw error; result = value; }); return result; };
      const { ownCpu } = require(${JSON.stringify(CLOCK)});
      const charged = [];
      const part = () => { const start = ownCpu(); burn(500); charged.push(ownCpu() - start); };
      (async () => {
        part(); await profiler.flush();
        session.connect(); post('Profiler.enable'); post('Profiler.start');
        part();
        const { profile } = post('Profiler.stop'); session.disconnect();
        await profiler.flush();
        part(); await profiler.stop();
        console.log(JSON.stringify({ profile, charged }));
      })();`;
    const end = await run(path, ['-e', script]);
    t.deepEqual([end.code, end.stderr], [0, '']);
    // V8 cannot name code that was optimised before its profiler started, so only the number of samples is looked at:
    // one a millisecond, of at least 500.
    const { profile, charged } = JSON.parse(end.stdout) as { profile: CpuProfile; charged: number[] };
    const { samples } = profile;
    t.true(samples.length > 250, `${samples.length} samples`);
    const parts = profilesIn(folder).map(readProfile);
    t.is(parts.length, 3);
    for (const [index, part] of parts.entries()) {
      const burning = (sample: Parameters<typeof MAIN>[0]): boolean =>
        MAIN(sample) && sample.frames.some(({ name }) => name === 'burn');
      // 500 ms at 200 Hz; the wall clock is ahead of the CPU's on a busy machine.
      t.true(total([part], 'sample', burning) >= 75, `${total([part], 'sample', burning)} samples`);
      const cpu = total([part], 'cpu', burning);
      const spent = charged[index] ?? 0;
      t.true(Math.abs(cpu / spent - 1) < 0.1, `${cpu} ns, not ${spent}`);
    }
  });

  test.serial(`Node.js ${major}: a second profiler that lives on SIGPROF, before and after us`, async (t) => {
    for (const first of ['peer', 'ours'] as const) {
      const folder = temporaryFolder(t);
      const ours = `require(${JSON.stringify(ROOT)})`;
      const begin = {
        peer: `time.start({ intervalMicros: 5000, durationMillis: 60000, lineNumbers: false, withContexts: false });`,
        ours: `const profiler = new (${ours}.Profiler)({ output: ${JSON.stringify(join(folder, 'p'))} }).start();`,
      };
      const second = first === 'peer' ? 'ours' : 'peer';
      const script = `${BURN}
        const { time } = require(${JSON.stringify(PEER)});
        ${begin[first]} ${begin[second]}
        burn(700);
        const { sample, stringTable, location, function: functions } = time.stop();
        const name = (id) => stringTable.strings[functions.find((f) => f.id === location.find((l) => l.id === id).line[0].functionId).name];
        const inBurn = sample.filter((s) => s.locationId.some((id) => name(id).includes('burn')));
        const sum = (samples) => samples.reduce((all, s) => all + Number(s.value[0]), 0);
        profiler.stop().then(() => console.log(JSON.stringify([sum(inBurn), sum(sample)])));`;
      const end = await run(path, ['-e', script]);
      t.deepEqual([end.code, end.stderr], [0, ''], `${first} first`);
      const [inBurn = 0, all = 1] = JSON.parse(end.stdout) as number[];
      t.true(inBurn > 60 && inBurn / all > 0.5, `${first} first: the peer has ${inBurn} of ${all}`);
      const profiles = profilesIn(folder).map(readProfile);
      t.true(shareOf(profiles, 'cpu', 'burn', MAIN) > 0.5, `${first} first`);
    }
  });

  test.serial(`Node.js ${major}: a second copy of our library takes another signal`, async (t) => {
    const library = readdirSync(join(ROOT, 'native')).find((name) => name.endsWith('.node')) ?? '';
    const folder = temporaryFolder(t);
    const copy = join(folder, 'copy.node');
    copyFileSync(join(ROOT, 'native', library), copy);
    const script = `${BURN}
      const options = { engine: 'tick', intervalNanoseconds: 2e6, maxFrames: 128, timeline: false, nativeFrames: true, memoryCapBytes: 2 ** 26 };
      (async () => {
        const copies = [${JSON.stringify(join(ROOT, 'native', library))}, ${JSON.stringify(copy)}].map((path) => require(path));
        const signals = copies.map((copy) => { const { signal } = copy.start(options); copy.attachThread(0, 'main'); return signal; });
        burn(400);
        const profiles = await Promise.all(copies.map((copy) => copy.stop()));
        const foreign = copies.map((copy) => copy.metrics().counters.foreign_signals);
        console.log(JSON.stringify({ signals, samples: profiles.map(({ samples }) => samples), foreign }));
      })();`;
    const end = await run(path, ['-e', script]);
    t.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
    const { signals, samples, foreign } = JSON.parse(end.stdout);
    t.not(signals[0], signals[1]);
    t.deepEqual(foreign, [0, 0]);
    t.true(
      samples.every((count: number) => count > 100),
      `${samples}`,
    );
  });

  for (const signal of ['SIGURG', 'SIGVTALRM', 'SIGPROF'] as const) {
    for (const when of ['before', 'after'] as const) {
      test.serial(
        `Node.js ${major}: a program that listens to ${signal} ${when} our start hears its own only`,
        async (t) => {
          const listen = `let heard = 0; process.on('${signal}', () => heard++);`;
          const begin = `const profiler = new (require(${JSON.stringify(ROOT)}).Profiler)({ rate: 1000, exporters: [] }).start();`;
          const [first, second] = when === 'before' ? [listen, begin] : [begin, listen];
          const script = `${BURN} ${first} burn(50); ${second}
          const { setTimeout: wait } = require('node:timers/promises');
          (async () => {
            burn(100); await wait(20);
            const unsent = heard;
            for (let sent = 1; sent <= 20; sent++) {
              process.kill(process.pid, '${signal}');
              while (heard < unsent + sent) await wait(1);
              burn(5);
            }
            burn(100); await wait(20);
            const profile = await profiler.stop();
            console.log(JSON.stringify({ unsent, heard: heard - unsent, samples: profile.samples }));
          })();`;
          const end = await run(path, ['-e', script]);
          t.deepEqual([end.code, end.signal, end.stderr], [0, null, '']);
          const { unsent, heard, samples } = JSON.parse(end.stdout);
          t.is(unsent, 0, 'heard without being sent');
          t.is(heard, 20);
          t.true(samples > 150, `${samples}`);
        },
      );
    }
  }

  test.serial(`Node.js ${major}: blocking calls are interrupted at 5 kHz and not cut short`, async (t) => {
    const folder = temporaryFolder(t);
    const program = join(ROOT, '__test__', 'workloads', 'safety', 'blocking.cjs');
    const plain = await run(path, [program]);
    const end = await run(path, ['--require', AUTO, program], {
      env: { EVERFLAME_RATE: '5000', DD_PROFILING_OUTPUT_PPROF: join(folder, 'p') },
    });
    t.deepEqual([plain.code, plain.stderr, end.code, end.stderr], [0, '', 0, '']);
    const [without, withUs] = [plain, end].map(({ stdout }) => JSON.parse(stdout) as Blocking);
    t.deepEqual(withUs?.results, without?.results);
    const profiles = profilesIn(folder).map(readProfile);
    for (const call of ['waitForTime', 'waitForChild', 'waitForPipe'] as const) {
      // The last stack that was seen has the time of a sleep: it stands at this call only if one was taken while it slept.
      const asleep = total(
        profiles,
        'wall',
        (sample) => MAIN(sample) && sample.frames.some(({ name }) => name === call),
      );
      const { signals = 0, read = 0, milliseconds = 0 } = withUs?.asleep[call] ?? {};
      t.log(
        `${call}: ${signals} signals, ${read} stacks read, ${(asleep / 1e6).toFixed(0)} of ${milliseconds.toFixed(0)} ms in the profile`,
      );
      // The kernel does not go on with a wait that has a time-out, so no signal may come then.
      t.true((call === 'waitForTime' ? read : signals) >= 1, call);
      t.true(asleep > milliseconds * 1e6 * 0.25, `${call}: ${asleep} ns of ${milliseconds} ms`);
    }
    t.log(`${withUs?.running} signals during ${withUs?.bytes} short reads and writes`);
    t.true((withUs?.running ?? 0) >= 100, `${withUs?.running}`);
    for (const { bytes, sum } of [without, withUs] as Blocking[]) t.is(sum, sumOfBytes(bytes));
  });
}

/** What blocking.cjs prints. */
interface Blocking {
  /** What the calls gave the program, and how often. */
  results: Record<string, Record<string, number>>;
  /**
   * Signals to sleeping threads and stacks read from outside while a call was made again and again, and how long that
   * took.
   */
  asleep: Record<string, { signals: number; read: number; milliseconds: number }>;
  /** Signals handled during short reads and writes. */
  running: number;
  bytes: number;
  sum: number;
}

/** The sum of 0, 1, … 6, 0, 1, … of so many numbers. */
function sumOfBytes(count: number): number {
  const rest = count % 7;
  return Math.floor(count / 7) * 21 + (rest * (rest - 1)) / 2;
}
