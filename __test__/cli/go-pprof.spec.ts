import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { profilesIn, temporaryFolder } from '../support/folder.js';
import { linesOf, readProfile, total } from '../support/pprof.js';
import { AUTO, run } from '../support/spawn.js';

const title = "Go's pprof reads our files, and finds the same sums";

const { status } = spawnSync('go', ['tool', 'pprof', '-h']);
if (status === null) test.skip(`${title}: there is no Go on this machine`, () => undefined);
else test(title, readsOurFiles);

/** A period a second, so that files are read together. */
const PERIOD_SECONDS = 1;

async function readsOurFiles(t: ExecutionContext): Promise<void> {
  const folder = temporaryFolder(t);
  // The function that burns is a leaf with lines of its own.
  const script = `
    function spin(rounds) { let x = 1; for (let i = 0; i < rounds; i++) x = (x * 31 + i) % 65537; return x; }
    const end = Date.now() + ${PERIOD_SECONDS * 2500};
    (function turn() { spin(3e6); if (Date.now() < end) setImmediate(turn); })();`;
  const env = {
    DD_PROFILING_OUTPUT_PPROF: join(folder, 'p'),
    DD_PROFILING_UPLOAD_INTERVAL: `${PERIOD_SECONDS}`,
  };
  const end = await run(process.execPath, ['--require', AUTO, '-e', script], { env });
  t.is(end.code, 0, end.stderr);
  const files = profilesIn(folder);
  t.true(files.length >= 2, `${files.length} files`);
  const profiles = files.map(readProfile);

  const pprof = async (...args: string[]): Promise<string> => {
    const report = await run('go', ['tool', 'pprof', ...args, '-symbolize=none', ...files], {
      // Where it would look for programs and keep what it fetched.
      env: { PPROF_TMPDIR: folder, PPROF_BINARY_PATH: folder },
      timeout: 120_000,
    });
    t.is(report.code, 0, report.stderr);
    return report.stdout;
  };

  // One line a sample: `count wall cpu: locations`.
  const rows = [...(await pprof('-raw')).matchAll(/^ +(\d+) +(\d+) +(\d+): (?:\d+ )+$/gm)];
  for (const [place, type] of ['sample', 'wall', 'cpu'].entries()) {
    const sum = rows.reduce((sum, row) => sum + Number(row[place + 1]), 0);
    t.true(sum > 0);
    t.is(sum, total(profiles, type), type);
  }

  // `flat flat% sum% cum cum% function`, in nanoseconds.
  const top = await pprof('-top', '-functions', '-sample_index=cpu', '-unit=ns', '-nodefraction=0');
  const flat = top.match(/^ *(\d+)ns .* spin$/m)?.[1];
  const ours = [...linesOf(profiles, 'cpu', 'spin').values()].reduce((sum, value) => sum + value, 0);
  t.true(ours > 0);
  t.is(Number(flat), ours);
}
