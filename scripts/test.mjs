import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Advice, main, ROOT } from './setup/commands.mjs';
import { addResults, NO_TESTS, summaryLine } from './setup/results.mjs';
import { STEPS } from './setup/steps.mjs';

const HELP = `Usage: npm test [-- --only=STEP[,STEP…]]

Sets up whatever is missing, then runs every check. A step that passes prints one line; one that fails
prints its output, of ava's the tests that failed. The last line sums up the tests: "N passed, N failed[, N skipped]".

Steps: ${STEPS.map(({ name }) => name).join(', ')}
  --only   run these steps, and before them what they need
  --help   show this text`;

function chooseSteps(only) {
  if (only === undefined) return STEPS;
  const names = only.split(',');
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Advice(
      `There is no step ${unknown.join(', ')}. The steps are: ${STEPS.map(({ name }) => name).join(', ')}.`,
    );
  }
  const chosen = new Set();
  const choose = (name) => {
    STEPS.find((step) => step.name === name).needs.forEach(choose);
    chosen.add(name);
  };
  names.forEach(choose);
  return STEPS.filter(({ name }) => chosen.has(name));
}

const LOGS = join(ROOT, '.cache', 'test');
/** How often a step that takes long is named where no line can be rewritten. */
const REMINDER_SECONDS = 60;

/** Says which step is at work; returns the function that takes this back where the terminal can. */
function announce(name) {
  if (process.stdout.isTTY) {
    process.stdout.write(`… ${name}`);
    return () => process.stdout.write('\r\x1b[K');
  }
  let minutes = 0;
  const timer = setInterval(() => {
    minutes += REMINDER_SECONDS / 60;
    console.log(`…      ${name.padEnd(13)}${String(minutes).padStart(7)} min`);
  }, REMINDER_SECONDS * 1000);
  return () => clearInterval(timer);
}

/** What a reader of a failed step wants first: the tests that failed if it names them, else all that it wrote. */
function explain(step, { output, failures }) {
  if (!failures) return output;
  mkdirSync(LOGS, { recursive: true });
  const file = join(LOGS, `${step.name}.log`);
  writeFileSync(file, output);
  return `${failures.trimEnd()}\n\nThe whole output: ${relative(ROOT, file)}`;
}

/** Runs a step and prints its line; a thrown error is a failure of the step, told by its message. */
async function runStep(step, withdraw) {
  const start = performance.now();
  const result = await step.run().catch((error) => ({
    ok: false,
    output: error instanceof Advice ? error.message : error.stack,
    tests: NO_TESTS,
  }));
  withdraw();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const { passed, failed, skipped } = result.tests;
  const counted = passed + failed + skipped > 0 ? `  ${summaryLine(result.tests)}` : '';
  console.log(`${result.ok ? 'ok    ' : 'FAILED'} ${step.name.padEnd(13)}${seconds.padStart(7)} s${counted}`);
  // The reason stands behind the mark, or, as ava has no place for it, in the title.
  for (const [, title, reason] of result.output.matchAll(/^ok \d+ - (.*?) # SKIP *(.*)$/gim))
    console.log(`       skipped: ${reason ? `${title}: ${reason}` : title}`);
  if (!result.ok) console.log(explain(step, result).trimEnd().replaceAll(/^/gm, '  | '));
  return result;
}

/** What has come of the steps so far. */
class Outcome {
  total = NO_TESTS;
  failed = new Set();

  /** Whether a step can be run; says so where it cannot. */
  allows(step) {
    const missing = step.needs.find((name) => this.failed.has(name));
    if (missing === undefined) return true;
    this.failed.add(step.name);
    console.log(`not run ${step.name.padEnd(12)}it needs ${missing}`);
    return false;
  }

  async run(step, withdraw) {
    const { ok, tests } = await runStep(step, withdraw);
    if (!ok) this.failed.add(step.name);
    this.total = addResults(this.total, tests);
    // A step may fail without a failed test: a compile error, a lint, a time-out.
    if (!ok && tests.failed === 0) this.total = addResults(this.total, { ...NO_TESTS, failed: 1 });
  }
}

async function runSteps(steps) {
  const outcome = new Outcome();
  const isAside = ({ beside }) => beside !== undefined && steps.some(({ name }) => name === beside);
  for (const step of steps) {
    if (isAside(step)) continue;
    const aside = steps.filter(({ beside }) => beside === step.name);
    const others = (async () => {
      // They have no line of their own until they are done: the other step has it.
      for (const other of aside) if (outcome.allows(other)) await outcome.run(other, () => {});
    })();
    if (outcome.allows(step)) await outcome.run(step, announce(step.name));
    await others;
  }
  return outcome.total;
}

await main(async () => {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const total = await runSteps(chooseSteps(values.only));
  console.log(summaryLine(total));
  if (total.failed > 0) process.exitCode = 1;
}, HELP);
