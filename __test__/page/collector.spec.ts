/** The page on a real collector, beside a program that it shows. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Browser } from 'playwright-core';
import { temporaryFolder } from '../support/folder.js';
import { openView } from '../support/view.js';
import { startBrowser } from '../support/viewer/browser.js';

let browser: Browser;
test.before(async () => {
  browser = await startBrowser();
});
test.after.always(async () => browser?.close());

/** Works and rests in turn, in functions of its own. */
const PROGRAM = `
function burn(milliseconds) {
  const end = process.cpuUsage().user + milliseconds * 1000;
  let sum = 0;
  while (process.cpuUsage().user < end) for (let i = 0; i < 1e5; i++) sum += Math.sqrt(i);
  return sum;
}
setInterval(function orders() { burn(60); }, 100);
`;

/** Three seconds, in nanoseconds. */
const MUCH = 3e9;

interface Table {
  total: number;
  rows: { name: string; self: number; total: number }[];
}

test.serial("what a program does is on the page while it does it, with the store's own totals", async (t) => {
  const folder = temporaryFolder(t, { 'app.js': PROGRAM });
  const begun = performance.now();
  const view = await openView(t, ['dev', '--port', '0', '--no-open', 'node', 'app.js'], {
    cwd: folder,
    env: { DD_SERVICE: 'shop' },
  });
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC' });
  const problems: string[] = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(view.url)) problems.push(`asked ${request.url()}`);
    });
    await page.goto(`${view.url}/?last=5m&live=1&tab=top`);
    const burn = page.getByRole('row', { name: /burn.*app\.js|burn/ }).first();
    await burn.waitFor();
    t.log(`first samples on the page ${((performance.now() - begun) / 1000).toFixed(1)} s after the command`);
    // Live: more comes by itself.
    const total = page.locator('[data-total]');
    const nanoseconds = async (): Promise<number> =>
      Number(((await total.getAttribute('title')) ?? '').replace(/\D/g, ''));
    const before = await nanoseconds();
    t.true(before > 0, 'a table has a total');
    // Until its start is a small part of what it does.
    while ((await nanoseconds()) < before + MUCH) await page.waitForTimeout(100);
    // A browser that has the page asks whether it still holds, and shows what it has.
    await page.reload();
    await burn.waitFor();

    // Of a range that is over, the page shows what the store says.
    const to = Date.now() - 1000;
    const from = to - 60_000;
    await page.goto(`${view.url}/?service=shop&from=${from}&to=${to}&tab=top`);
    await burn.waitFor();
    const table = await view.json<Table>(`/table?service=shop&from=${from}&to=${to}&by=function`);
    t.is(await nanoseconds(), table.total);
    t.is(table.rows[0]?.name, 'burn');
    t.true((table.rows[0]?.self ?? 0) > table.total / 3, JSON.stringify(table.rows[0]));

    await page.goto(`${view.url}/?service=shop&from=${from}&to=${to}&tab=sandwich&function=burn`);
    await page.getByRole('heading', { name: 'Callees' }).waitFor();
    await page.getByRole('row', { name: /burn/ }).first().waitFor();
    await page.goto(`${view.url}/?service=shop&from=${from}&to=${to}&tab=timeline`);
    await page.getByText('Main Event Loop').first().waitFor();
    await page.goto(`${view.url}/?service=shop&from=${from}&to=${to}&tab=threads`);
    await page.getByRole('row', { name: /Main Event Loop/ }).waitFor();
    // Node.js is several packages of one name, which say what they are.
    await page.goto(`${view.url}/?service=shop&from=${from}&to=${to}&tab=packages`);
    for (const kind of ['native', 'Node.js'])
      await page.getByRole('rowheader', { name: new RegExp(`^\\s*node\\s+${kind}$`) }).waitFor();

    // The program's own text, from this machine, with the line that works marked as the hottest.
    const file = encodeURIComponent(join(realpathSync(folder), 'app.js'));
    await page.goto(`${view.url}/?service=shop&from=${from}&to=${to}&tab=source&source=${file}`);
    await page.getByRole('row', { name: /Math\.sqrt/, selected: true }).waitFor();
    t.deepEqual(problems, []);
  } finally {
    await context.close();
    await view.end();
  }
});
