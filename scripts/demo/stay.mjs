import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromRoot } from '../setup/build.mjs';
import { EXAMPLE, guard } from '../setup/commands.mjs';
import { EVERFLAME, fromDist } from '../setup/everflame.mjs';
import { Bookshop, RATE } from './bookshop.mjs';
import { tablesOf } from './tables.mjs';
import { showUptime } from './uptime.mjs';

/** Where the history of all demos of this checkout is: the inbox that `everflame dev` chooses by itself there. */
export const INBOX = join(EXAMPLE, '.everflame');

/** What Ctrl+C is told as; it is how a demo ends that stays up, and no failure. */
const INTERRUPTED = 130;

function whatToLookAt(page) {
  return `The bookshop runs under "everflame dev", with ${RATE} requests a second. Its page, live:

  ${page}

  Top table    the first function of the bookshop's own code: findAuthor
  Sandwich     who calls it: similarity, which readersAlsoLiked has its sort call for each comparison
  Compare      before and after the mend, with the figures: docs/getting-started.md

Ctrl+C ends all of it and keeps the history.
`;
}

function howToSeeAgain(inbox) {
  return `The history is in ${fromRoot(join(inbox, 'store'))}. To see it again:
  node ${fromRoot(EVERFLAME)} view --inbox ${fromRoot(inbox)}`;
}

/**
 * Runs the example and its page until Ctrl+C, or for a number of seconds. Whatever ends it, nothing goes on to run.
 * @param {{ inbox?: string, port?: number, version?: string, seconds?: number, open: boolean }} options
 */
export async function stayUp({ inbox = INBOX, port, version, seconds, open }) {
  const bookshop = new Bookshop({ inbox, port, version });
  let uptime;
  let from;
  const finish = async ({ withTables }) => {
    uptime?.end();
    const { summary, problem } = await bookshop.end();
    if (from === undefined) return;
    if (problem) console.error(problem);
    if (summary) console.log(summary);
    // There may be none yet: the demo was ended at once.
    if (withTables) console.log(`\n${await tablesOf(inbox, from).catch(({ message }) => message)}\n`);
    console.log(howToSeeAgain(inbox));
  };
  const unguard = guard(async (code) => {
    await finish({ withTables: code === INTERRUPTED });
    return code === INTERRUPTED && from !== undefined ? 0 : code;
  });
  try {
    const { page, service } = await bookshop.ready();
    from = Date.now();
    bookshop.drive(service);
    console.log(whatToLookAt(page));
    if (open) (await fromDist('cli/open-browser.js')).openBrowser(page);
    uptime = showUptime();
    bookshop.onNews(uptime.say);
    await Promise.race([bookshop.failed(), ...(seconds === undefined ? [] : [sleep(seconds * 1000)])]);
    await finish({ withTables: true });
  } finally {
    uptime?.end();
    await bookshop.end();
    unguard();
  }
}
