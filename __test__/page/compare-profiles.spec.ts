/** Two profiles, and two files, beside each other. */
import { join } from 'node:path';
import test from 'ava';
import { buildProfile } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { openView } from '../support/view.js';
import { startBrowser } from '../support/viewer/browser.js';
import { HOUR, pageTest, shows } from '../support/viewer/page.js';

pageTest(
  'Two rows of the list are compared, and a link shows the same',
  `${HOUR}&tab=profiles&where=host:web-1`,
  async (t, { page, go }) => {
    const rows = page.locator('#panel tbody tr');
    // The newest first: the last minute of version 1.5.0, and the first of 1.4.0.
    await rows
      .last()
      .getByRole('button', { name: /^A of the comparison/ })
      .click();
    t.is(await page.getByRole('button', { name: 'Compare A with B' }).count(), 0);
    const second = rows.first().getByRole('button', { name: /^B of the comparison/ });
    await second.click();
    t.is(await second.getAttribute('aria-pressed'), 'true');
    await page.getByRole('button', { name: 'Compare A with B' }).click();
    const figures = async () => {
      await shows(page, '[data-side=a]', '2.56 s');
      await shows(page, '[data-side=b]', '3.78 s');
      await shows(page, '[data-change]', `+${((1224 / 2560) * 100).toFixed(1)}%`);
    };
    await figures();
    t.is(await page.getByLabel('Compare by').inputValue(), 'profiles');
    await go(new URL(page.url()).search.slice(1));
    await figures();
    await page.getByRole('button', { name: 'Swap' }).click();
    await shows(page, '[data-side=b]', '2.56 s');
    await page.getByLabel('B: a profile or a service').selectOption({ index: 0 });
    await shows(page, '[data-side=b]', '3.78 s');
  },
);

pageTest(
  'Without a choice the last two profiles are compared',
  `${HOUR}&tab=compare&where=host:web-1`,
  async (_t, { page }) => {
    await page.getByLabel('Compare by').selectOption('profiles');
    await shows(page, '[data-side=a]', '3.78 s');
    await shows(page, '[data-side=b]', '3.78 s');
    await shows(page, '[data-change]', '0%');
  },
);

test.serial('two files of everflame view are compared', async (t) => {
  const folder = temporaryFolder(t);
  const main = { name: 'main', file: '/srv/main.js', line: 1 };
  const TYPES: [string, string][] = [['cpu', 'nanoseconds']];
  buildProfile(join(folder, 'a.pprof'), TYPES, [{ values: [3e9], stack: [main] }]);
  buildProfile(join(folder, 'b.pprof'), TYPES, [
    { values: [5e9], stack: [main] },
    { values: [7e9], stack: [main, { ...main, name: 'slow' }] },
  ]);
  const view = await openView(t, ['view', '--port', '0', '--no-open', 'a.pprof', 'b.pprof'], { cwd: folder });
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const page = await browser.newPage({ locale: 'en-GB' });
  page.setDefaultTimeout(15_000);
  const { services } = await view.json<{ services: { name: string; from: number; to: number }[] }>(
    '/services',
  );
  const shown = services.find(({ name }) => name === 'b.pprof') as (typeof services)[number];
  const range = `from=${Math.floor(shown.from)}&to=${Math.ceil(shown.to) + 1}`;
  await page.goto(`${view.url}/?service=b.pprof&${range}&tab=compare&against=profiles&layout=table`);
  await shows(page, '[data-side=a]', '3 s');
  await shows(page, '[data-side=b]', '12 s');
  await shows(page, '[data-side=a]', /a\.pprof/);
  t.regex(await page.locator('tbody tr', { hasText: 'slow' }).innerText(), /slow\s+0\s+7 s\s+\+7 s/);
  t.is(
    await page.getByLabel('A: a profile or a service').inputValue(),
    new URLSearchParams({
      service: 'a.pprof',
      from: String(Math.floor(services[0]?.from ?? 0)),
      to: String(Math.ceil(services[0]?.to ?? 0) + 1),
    }).toString(),
  );
  await view.end();
});
