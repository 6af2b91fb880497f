/** Two versions beside each other for each request: over the store that has the counts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fillStore, type GivenProfile } from '../support/fill-store.js';
import { temporaryFolder } from '../support/folder.js';
import { openView } from '../support/view.js';
import { startBrowser } from '../support/viewer/browser.js';
import { shows } from '../support/viewer/page.js';

const MINUTE = 60_000;
const main = { name: 'main', file: '/srv/main.js', line: 1 };
const cart = { name: 'cart', file: '/srv/cart.js', line: 7 };

/** A minute of a version, with so many seconds of CPU time in `cart`, and half of that in `main`. */
function minute(
  number: number,
  version: string,
  seconds: number,
  requests?: Record<string, number>,
): GivenProfile {
  const start = Math.floor(Date.now() / MINUTE - 60 + number) * MINUTE;
  const labels = { 'trace endpoint': 'GET /cart' };
  return {
    tags: { version },
    from: start,
    to: start + MINUTE,
    types: [['cpu', 'nanoseconds']],
    samples: [
      { values: [seconds * 1e9], stack: [main, cart], labels },
      { values: [seconds * 5e8], stack: [main], labels },
    ],
    ...(requests ? { requests } : {}),
  };
}

test.serial('a version with twice the requests and twice the work is not slower for a request', async (t) => {
  const folder = temporaryFolder(t);
  await fillStore(folder, [
    minute(0, '1.0', 2, { 'GET /cart': 9, '<img src=x>': 1 }),
    minute(1, '1.0', 4, { 'GET /cart': 20 }),
    minute(2, '2.0', 4, { 'GET /cart': 25 }),
    minute(3, '2.0', 8, { 'GET /cart': 35 }),
    minute(4, '3.0', 4, { 'GET /cart': 30 }),
    minute(5, '3.0', 8),
  ]);
  const view = await openView(t, ['view', '--port', '0', '--no-open'], { cwd: folder });
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC' });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));

  await page.goto(`${view.url}/?service=shop&last=2h&tab=compare&against=version&a=1.0&b=2.0&layout=table`);
  const row = page.locator('tbody tr', { hasText: 'cart' });
  await shows(page, '[data-side=a]', '9 s');
  await shows(page, '[data-change]', '+100%');
  t.regex(await row.innerText(), /cart\s+6 s\s+12 s\s+\+6 s/);
  const perRequest = page.getByRole('radio', { name: 'Per request' });
  t.not(await perRequest.getAttribute('aria-disabled'), 'true');
  await perRequest.click();
  await shows(page, '[data-change]', '0%');
  await shows(page, '[data-change]', "a request, from A to B; A's figures below are scaled to B's requests");
  await shows(page, '[data-side=a]', '300 ms a request · 30 requests');
  await shows(page, '[data-side=b]', '300 ms a request · 60 requests');
  t.regex(await row.innerText(), /cart\s+12 s\s+12 s\s+0/);
  // It stands in the address: a link shows the same, and the way back leads to the second.
  t.is(new URL(page.url()).searchParams.get('per'), 'request');
  await page.reload();
  await shows(page, '[data-change]', '0%');
  await page.goBack();
  await shows(page, '[data-change]', '+100%');

  // By the keyboard.
  await page.getByRole('radio', { name: 'Per second' }).press('ArrowRight');
  await shows(page, '[data-change]', '0%');

  // Of one endpoint its own requests: all but one of A's.
  const { searchParams } = new URL(page.url());
  searchParams.append('where', 'trace endpoint:GET /cart');
  await page.goto(`${view.url}/?${searchParams}`);
  await shows(page, '[data-side=a]', /310 ms a request · 29 requests/);

  // Where one side has no counts of a part the choice says so, and what was chosen is not shown.
  await page.goto(
    `${view.url}/?service=shop&last=2h&tab=compare&against=version&a=1.0&b=3.0&per=request&layout=table`,
  );
  const why = 'B: 1 of its 2 profiles came without counts of requests';
  await shows(page, '.unit-choice', why);
  await shows(page, '[data-change]', '+100%');
  t.is(await perRequest.getAttribute('aria-disabled'), 'true');
  t.is(await perRequest.getAttribute('title'), why);
  t.is(await perRequest.getAttribute('aria-checked'), 'false');
  await perRequest.click({ force: true });
  await shows(page, '[data-side=a]', /at once|cores/);

  // A file of its own has none.
  const file = join(folder, 'report.html');
  const range = `service=shop&from=${Date.now() - 120 * MINUTE}`;
  writeFileSync(file, await (await fetch(`${view.url}/api/v1/report?${range}`)).text());
  await page.goto(`file://${file}#tab=compare&against=version&a=1.0&b=2.0&per=request`);
  await shows(page, '.unit-choice', 'A report has no counts of requests');
  await shows(page, '[data-change]', '+100%');
  t.deepEqual(problems, []);
  await view.end();
});
