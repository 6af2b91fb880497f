/** Exceptions and locks, where a service has profiles of them. */
import { END, HOUR, pageTest, shows } from '../support/viewer/page.js';
import { problemProfiles } from '../support/viewer/problems.js';
import { MARKUP } from '../support/viewer/samples.js';

pageTest('A service without such profiles has no such views', HOUR, async (t, { page, go }) => {
  await shows(page, '[data-total]', '4.76 min');
  t.deepEqual(
    (await page.getByRole('tab').allInnerTexts()).filter((name) => /Exceptions|Locks/.test(name)),
    [],
  );
  await go(`${HOUR}&tab=locks`);
  await shows(page, '.notice', 'There are no profiles of locks');
  await go(`${HOUR}&tab=exceptions`);
  await shows(page, '.notice', 'There are no profiles of exceptions');
});

pageTest(
  'Exceptions are counted by type and message, and shown where they came from',
  HOUR,
  async (t, { page, server, go }) => {
    server.profiles.push(...problemProfiles(END));
    await go(HOUR);
    await page.getByRole('tab', { name: 'Exceptions' }).click();
    await shows(page, '[data-sum]', '23');
    const rows = page.locator('tbody tr');
    t.deepEqual(
      (await rows.allInnerTexts()).map((text) => text.trim().split(/\s+/).slice(0, 3)),
      [
        ['TypeError', '20', '87%'],
        ['RangeError', '3', '13%'],
      ],
    );
    await page.getByRole('button', { name: 'TypeError' }).click();
    await shows(page, '[data-row-total]', '20');
    await shows(page, 'tr', /x is not a function\s*13/);
    await page.getByRole('button', { name: MARKUP }).click();
    await shows(page, '[data-row-total]', '7');
    await page.getByLabel(/^Stacks, 2 nodes/).waitFor();
    t.is(await page.locator('img').count(), 0);
    await page.reload();
    await shows(page, '[data-row-total]', '7');
    await page.getByRole('button', { name: 'Open in the flame graph' }).click();
    await shows(page, '[data-total]', '7');
    await shows(page, '.chip', /exception type = TypeError/);
    await shows(page, '.foot', '2 nodes');
  },
);

pageTest(
  'Locks have their waits and holds, and the stacks of each',
  HOUR,
  async (t, { page, server, go }) => {
    server.profiles.push(...problemProfiles(END));
    await go(`${HOUR}&tab=locks`);
    await page.getByRole('button', { name: 'cache' }).waitFor();
    t.deepEqual(
      (await page.locator('tbody tr').allInnerTexts()).map((text) => text.trim().split(/\t/)),
      [
        ['cache', '16', '320 ms', '20 ms', '16', '48 ms', '3 ms'],
        ['log', '2', '1 ms', '500 µs', '0', '0', '–'],
      ],
    );
    await page.getByRole('button', { name: 'cache' }).click();
    await shows(page, '[data-row-total]', '320 ms');
    await page.getByLabel(/^Stacks, 3 nodes/).waitFor();
    await page.getByRole('radio', { name: 'Lock hold time' }).click();
    await shows(page, '[data-row-total]', '48 ms');
    await page.getByLabel(/^Stacks, 2 nodes/).waitFor();
  },
);
