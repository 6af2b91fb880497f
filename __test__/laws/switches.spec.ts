/** What is switched off is not in a profile, and the rest is as it was: the program's own clocks say how much that is. */
import { basename, join } from 'node:path';
import test from 'ava';
import { transformSync } from 'esbuild';
import type { LoadedProfile } from '#src/profile/model.js';
import { BURN } from '../support/burn.js';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { type TestNode, testNodes } from '../support/nodes.js';
import { readProfile, total, withLabel } from '../support/pprof.js';
import { AUTO, run } from '../support/spawn.js';
import { profileWorkload } from './support/workload.js';

/** Of the main thread, in nanoseconds. */
interface Truth {
  cpu: number;
  /** In which it used none. */
  asleep: number;
  /** Without it V8's profiler knows no CPU time. */
  hasThreadClock: boolean;
}

/** Between two samples, in nanoseconds. */
const INTERVAL = 1e9 / 99;
const MAIN = withLabel('thread id', '0');

const SWITCHES: [what: string, env: Record<string, string>, types: string[]][] = [
  ['nothing', {}, ['sample', 'wall', 'cpu']],
  ['wall time', { DD_PROFILING_WALLTIME_ENABLED: 'false' }, ['sample', 'cpu']],
  ['CPU time', { DD_PROFILING_CPU_ENABLED: '0' }, ['sample', 'wall']],
];

const nodes = testNodes();
const [oldest = fail(), newest = fail()] = [nodes[0], nodes.at(-1)];
/** The oldest Node.js has no clock of a thread for the inspector. */
const ENGINES: [engine: string, node: TestNode][] = [
  ['auto', newest],
  ['inspector', newest],
  ...(newest === oldest ? [] : [['inspector', oldest] as [string, TestNode]]),
];

for (const [engine, node] of ENGINES) {
  for (const [what, env, asked] of SWITCHES) {
    test.serial(
      `Node.js ${node.major}, ${engine}: without ${what} the rest is what the program's clocks say`,
      async (t) => {
        const profiled = await profileWorkload<Truth>(t, node, 'half-asleep', { engine, env });
        const { truth, profiles, least, most } = profiled;
        const isInspector = profiled.engine === 'inspector';
        t.is(isInspector, engine === 'inspector');
        const types = isInspector && !truth.hasThreadClock ? ['sample', 'wall'] : asked;
        t.deepEqual(
          profiles[0].types.map(({ type }) => type),
          types,
        );
        const within = (type: string, from: number, to: number): void => {
          const sum = total(profiles, type, MAIN);
          t.log(`${type}: ${ms(sum)} ms, of ${ms(from)} to ${ms(to)} ms`);
          t.true(sum >= from * 0.97 && sum <= to * 1.03, type);
        };
        if (types.includes('wall')) within('wall', least.time, most.time);
        if (types.includes('cpu')) within('cpu', truth.cpu, most.cpu);
        if (types.includes('wall')) return;
        // Who sleeps uses no CPU time: there is nothing to say of it.
        t.true(
          samplesOf(profiles) * INTERVAL < (least.time - truth.asleep) * 1.5,
          `${samplesOf(profiles)} samples`,
        );
      },
    );
  }
}

test.serial('source maps and native frames are switched off', async (t) => {
  const source = `interface Of {\n  no: 'use';\n}\n${BURN.replace('(ms)', '(ms: number)')}burn(300);\n`;
  const { code } = transformSync(source, { loader: 'ts', sourcefile: 'hot.ts', sourcemap: 'inline' });
  const cwd = temporaryFolder(t, { 'hot.cjs': code });
  const profileOf = async (env: Record<string, string>): Promise<LoadedProfile[]> => {
    const output = temporaryFolder(t);
    const settings = { ...env, DD_PROFILING_OUTPUT_PPROF: join(output, 'p') };
    const end = await run(process.execPath, ['--require', AUTO, 'hot.cjs'], { cwd, env: settings });
    t.deepEqual([end.code, end.stderr], [0, '']);
    return profilesIn(output).map(readProfile);
  };
  const seen = (profiles: LoadedProfile[]) => {
    const frames = profiles.flatMap(({ samples }) => samples.flatMap((sample) => sample.frames));
    const burns = frames.filter(({ name }) => name === 'burn');
    return {
      files: [...new Set(burns.map(({ file }) => basename(file)))],
      starts: [...new Set(burns.map(({ startLine }) => startLine))],
      natives: frames.filter(({ module }) => module !== '').length,
    };
  };
  const on = seen(await profileOf({}));
  t.deepEqual([on.files, on.starts], [['hot.ts'], [4]]);
  t.true(on.natives > 0);
  const withoutMaps = seen(await profileOf({ DD_PROFILING_SOURCE_MAP: '0' }));
  t.deepEqual([withoutMaps.files, withoutMaps.starts], [['hot.cjs'], [1]]);
  t.true(withoutMaps.natives > 0);
  const withoutNatives = seen(await profileOf({ DD_PROFILING_STACK_NATIVE_FRAMES: '0' }));
  t.deepEqual(withoutNatives, { ...on, natives: 0 });
});

function samplesOf(profiles: LoadedProfile[]): number {
  return total(profiles, 'sample', MAIN);
}

function fail(): never {
  throw new Error('there is no Node.js to test');
}

function ms(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(1);
}
