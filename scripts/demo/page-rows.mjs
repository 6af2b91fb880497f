import { launchBrowser, SIGNALS_TO_SCRIPT } from '../setup/launch-browser.mjs';

/** High enough that all rows stand there that a reader would look at: the page makes only those in sight. */
const VIEWPORT = { width: 1280, height: 1600 };
const LIMIT_MILLISECONDS = 30_000;

/**
 * What the page's top table shows of a range, in the order in which it stands there.
 * @param {string} browser its path
 * @param {string} page an address of the page
 * @param {{ service: string, from: number, to: number, type: string }} selection
 * @returns {Promise<{ name: string, kind: string, self: number }[]>} the rows in sight
 */
export async function pageRows(browser, page, selection) {
  const chromium = await launchBrowser(browser, {}, SIGNALS_TO_SCRIPT);
  try {
    // What the reader's machine is set to decides how figures are written.
    const tab = await chromium.newPage({ viewport: VIEWPORT, locale: 'en-GB' });
    tab.setDefaultTimeout(LIMIT_MILLISECONDS);
    const problems = [];
    tab.on('pageerror', (error) => problems.push(error));
    const url = new URL('/', page);
    url.search = new URLSearchParams({ ...selection, tab: 'top' }).toString();
    await tab.goto(url.href);
    await tab.locator('.table-row').first().waitFor();
    const rows = await tab.locator('.table-row').evaluateAll((found) =>
      found.map((row) => ({
        at: Number(row.getAttribute('aria-rowindex')),
        name: row.querySelector('.name').textContent.trim(),
        kind: row.querySelector('.kind').className.match(/kind-(\w+)/)[1],
        // The exact figure is the cell's title: "1,370,000,000 ns".
        self: Number(row.querySelector('.figure').title.replaceAll(/\D/g, '')),
      })),
    );
    if (problems.length > 0) throw problems[0];
    return rows.sort((a, b) => a.at - b.at);
  } finally {
    await chromium.close();
  }
}
