import { join } from 'node:path';
import { mock } from 'node:test';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { ROOT } from '../support/spawn.js';

interface Stream {
  isTTY: boolean;
  write(text: string): void;
}
type Step = <Result>(title: string, body: () => Promise<Result>, stream: Stream) => Promise<Result>;

const MODULE = pathToFileURL(join(ROOT, 'scripts', 'setup', 'progress.mjs')).href;
const TITLE = 'Building (some minutes the first time)';

/** What a step writes that takes 61.5 seconds by a clock of the test's own, and what it ends with. */
async function written(t: ExecutionContext, isTTY: boolean, fail = false): Promise<string> {
  const { step } = (await import(MODULE)) as { step: Step };
  const { now } = performance;
  let clock = 1000;
  performance.now = () => clock;
  mock.timers.enable({ apis: ['setInterval'] });
  let text = '';
  const stream = {
    isTTY,
    write: (part: string) => {
      text += part;
    },
  };
  const body = async (): Promise<number> => {
    for (let half = 0; half < 2 * 61.5; half++) {
      clock += 500;
      mock.timers.tick(500);
    }
    if (fail) throw new Error('the compiler was not found');
    return 7;
  };
  try {
    const made = step(TITLE, body, stream);
    if (fail) await t.throwsAsync(made, { message: 'the compiler was not found' });
    else t.is(await made, 7);
    const before = text;
    mock.timers.tick(120_000);
    t.is(text, before, 'a step that has ended is silent');
    return text;
  } finally {
    performance.now = now;
    mock.timers.reset();
  }
}

test.serial('without a terminal a step that goes on has a line each half minute', async (t) => {
  t.is(
    await written(t, false),
    `${TITLE} …\n  … still building, 30 s\n  … still building, 60 s\n  done in 61.5 s\n`,
  );
});

test.serial('on a terminal its line shows the seconds', async (t) => {
  const seconds = Array.from({ length: 61 }, (_, index) => `\r${TITLE} … ${index + 1} s`);
  t.is(await written(t, true), `${TITLE} …${seconds.join('')}\r${TITLE} … done in 61.5 s\n`);
});

test.serial('what a step fails with begins a line', async (t) => {
  t.true((await written(t, true, true)).endsWith(' … 61 s\n'));
  t.true((await written(t, false, true)).endsWith('  … still building, 60 s\n'));
});
