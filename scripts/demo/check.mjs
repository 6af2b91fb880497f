import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromRoot } from '../setup/build.mjs';
import { Advice, guard } from '../setup/commands.mjs';
import { EVERFLAME } from '../setup/everflame.mjs';
import { step } from '../setup/progress.mjs';
import { arrived, ask } from './ask.mjs';
import { Bookshop, RATE, SERVICE } from './bookshop.mjs';
import { pageRows } from './page-rows.mjs';
import { tablesOf } from './tables.mjs';
import { findProblem, PROBLEM } from './verdict.mjs';

/** Of the table that the API answers with: more than a reader looks at. */
const ROWS = 200;

/** Asks the collector, and the page where there is a browser. Resolves with what is to be told. */
async function verify(page, from, browser) {
  const selection = { service: SERVICE, from, to: Date.now(), type: 'cpu' };
  await arrived(page, selection.to);
  const { rows, total } = await ask(page, 'table', { ...selection, by: 'function', limit: ROWS });
  const { rank, self, file } = findProblem("The collector's table", rows);
  const share = ((100 * self) / total).toFixed(1);
  const found = `The known problem is number ${rank} of the service's own functions: ${PROBLEM}, ${share} % of all CPU time, in ${fromRoot(file)}.`;
  if (browser.problem !== undefined)
    return `${found}\nThe collector's API said so. The page itself was not looked at: ${browser.problem}`;
  const shown = findProblem("The page's top table", await pageRows(browser.path, page, selection));
  if (shown.rank !== rank || shown.self !== self) {
    throw new Advice(
      `The page does not show what the collector answers: ${PROBLEM} is number ${shown.rank} with ${shown.self} ns there, and ` +
        `number ${rank} with ${self} ns here.`,
    );
  }
  return `${found}\nThe collector's API said so, and the page shows the same figure in its top table (seen in Chromium).`;
}

/**
 * Runs the example under load for some seconds, and sees by itself whether the page shows the known problem.
 * @param {{ seconds: number, port?: number, version?: string }} options a `port` of 0, or none, is any that is free
 * @param {{ path: string } | { problem: string }} browser Chromium, or why there is none
 * @throws {Advice} where it does not
 */
export async function check({ seconds, port = 0, version }, browser) {
  const inbox = await mkdtemp(join(tmpdir(), 'everflame-demo-'));
  const remove = () => rm(inbox, { recursive: true, force: true });
  const bookshop = new Bookshop({ inbox, port, version });
  const unguard = guard(async () => {
    await bookshop.end();
    await remove();
  });
  let from;
  try {
    const { page, service } = await bookshop.ready();
    bookshop.onNews((line) => console.log(line));
    console.log(`The bookshop runs under "everflame dev", and its page is at ${page}`);
    from = Date.now();
    bookshop.drive(service, seconds);
    await step(`Driving the service (${seconds} s, ${RATE} requests a second)`, () => bookshop.driven());
    const verdict = await step('Looking for the known problem', () => verify(page, from, browser));
    const { summary, problem } = await bookshop.end();
    if (problem) throw new Advice(problem);
    console.log(`${summary}\n\n${await tablesOf(inbox, from)}\n\n${verdict}`);
    await remove();
  } catch (error) {
    await bookshop.end();
    if (from === undefined) await remove();
    else console.log(`What there is can be looked at: node ${fromRoot(EVERFLAME)} view --inbox ${inbox}`);
    throw error;
  } finally {
    await bookshop.end();
    unguard();
  }
}
