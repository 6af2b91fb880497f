import type { Page } from 'playwright-core';
import { END, HOUR, pageTest, shows } from '../support/viewer/page.js';
import { MINUTE, shopProfile } from '../support/viewer/samples.js';

/** A strip by its title. */
function strip(page: Page, title: string) {
  return page.locator('.strip').filter({ has: page.locator('strong', { hasText: title }) });
}

async function plotOf(page: Page, title: string) {
  const box = await strip(page, title).locator('.u-over').boundingBox();
  if (!box) throw new Error(`there is no strip ${title}`);
  return box;
}

/** Points at the beginning of a step of the hour. */
async function pointAt(page: Page, title: string, at: number): Promise<void> {
  const { x, y, width, height } = await plotOf(page, title);
  await page.mouse.move(x + (width * (at - (END - 60 * MINUTE))) / (60 * MINUTE), y + height / 2);
}

pageTest(
  'Strips of event loop, memory and garbage collector have the figures told',
  HOUR,
  async (t, { page }) => {
    await strip(page, 'GC time').waitFor();
    const titles = await page.locator('.strip strong').allInnerTexts();
    t.deepEqual(titles, ['CPU time', 'Event-loop delay', 'Memory', 'GC time']);
    // The thirtieth second of the fifty-first minute, of the process with all of the load: steps have fifteen seconds.
    await pointAt(page, 'Event-loop delay', END - 10 * MINUTE + 30_000);
    await shows(page, '.strip-value', '90 ms');
    // A cursor for all: forty MiB and 11 more in the step that ends with the forty-fifth second.
    await shows(page, '.strip-value', 'heap 51 MiB, RSS 122 MiB');
    // 113 ms a minute and half of that, of all that runs in version 1.5.0.
    const share = ((113 / (2560 + 1224)) * 100).toFixed(0);
    await shows(page, '.strip-value', `${((113 * 1.5) / 60).toFixed(2)} ms a second (${share}%)`);
    await pointAt(page, 'Memory', END - 50 * MINUTE + 30_000);
    await shows(page, '.strip-value', '5 ms');
  },
);

pageTest('The brush begins on any strip and spans them all', HOUR, async (t, { page }) => {
  await strip(page, 'GC time').waitFor();
  const { x, y, width } = await plotOf(page, 'Event-loop delay');
  await page.mouse.move(x + width * 0.25, y + 10);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.4, y + 10, { steps: 4 });
  await page.mouse.up();
  await shows(page, '[data-total]', `${(9 * 2.56 * 1.5).toFixed(1)} s`);
  const widths = await page
    .locator('.strip .u-select')
    .evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().width)));
  t.deepEqual(widths, new Array(4).fill(widths[0]));
  t.true(Math.abs((widths[0] as number) - width * 0.15) < 3);
  await strip(page, 'Memory').getByRole('group').press('Escape');
  await shows(page, '[data-total]', '4.76 min');
});

pageTest('Where nothing is told there are no strips of it', 'service=mailer', async (t, { page, go }) => {
  await go(HOUR.replace('shop', 'mailer'));
  await shows(page, '[data-total]', /s$/);
  await page.locator('.answer[aria-busy=false]').first().waitFor();
  t.deepEqual(await page.locator('.strip strong').allInnerTexts(), ['CPU time']);
  t.is(await page.getByRole('button', { name: 'one strip' }).count(), 0);
});

pageTest(
  'Strips are put away, taken back and added, and the address says which',
  HOUR,
  async (t, { page }) => {
    await strip(page, 'Memory').waitFor();
    await page.getByRole('button', { name: 'one strip' }).click();
    await page.waitForURL(/strip=none/);
    t.is(await page.locator('.strip').count(), 1);
    await page.reload();
    await page.getByRole('button', { name: 'all strips' }).waitFor();
    t.is(await page.locator('.strip').count(), 1);
    await page.getByRole('button', { name: 'all strips' }).click();
    await strip(page, 'Memory').waitFor();
    t.notRegex(page.url(), /strip=/);
    await page.getByRole('button', { name: 'Remove the strip of Memory' }).click();
    await strip(page, 'Memory').waitFor({ state: 'detached' });
    t.regex(page.url(), /strip=loop-delay&strip=gc-cpu/);
    await page.getByLabel('Add a strip').selectOption('loop-use');
    await pointAt(page, 'Event-loop use', END - 10 * MINUTE + 30_000);
    // In fifteen seconds each tenth comes once at least.
    await shows(page, '.strip-value', '29%');
    await page.goBack();
    await strip(page, 'Event-loop use').waitFor({ state: 'detached' });
  },
);

pageTest(
  'A filter on samples leaves processes as they are, and that is said',
  `${HOUR}&where=thread+name:main&where=host:web-2`,
  async (_t, { page }) => {
    await strip(page, 'Memory').waitFor();
    await shows(page, '.strip-value', 'longest; not filtered');
    await pointAt(page, 'Memory', END - 10 * MINUTE + 30_000);
    // Half of the load.
    await shows(page, '.strip-value', 'heap 25.5 MiB, RSS 61 MiB');
  },
);

pageTest('A question that fails is said below the strips', HOUR, async (t, { page, server, go }) => {
  server.refuse.set('metrics', 'the store is busy. Ask again.');
  await go(`${HOUR}&tab=top`);
  await shows(page, '.strip-error', 'the store is busy. Ask again.');
  await strip(page, 'GC time').waitFor();
  t.is(await strip(page, 'Memory').count(), 0);
});

const justNow = () => Date.now() - 1000;
pageTest(
  'Live mode brings what is told',
  'service=shop&live=1&last=5m',
  async (t, { page, server }) => {
    await strip(page, 'Memory').waitFor();
    await server.listened();
    const { x, y, width } = await plotOf(page, 'Memory');
    // A hundred times the load, in the minute that ends now.
    server.ingest(shopProfile(Date.now(), '1.5.0', 'web-3', 100));
    const found = strip(page, 'Memory').locator('.strip-value', { hasText: 'GiB' });
    while ((await found.count()) === 0) {
      await page.mouse.move(x + width * 0.95, y + 10);
      await page.mouse.move(x + width * 0.96, y + 10);
    }
    t.regex(await found.innerText(), /heap [\d.]+ GiB, RSS [\d.]+ GiB$/);
  },
  { end: justNow },
);

for (const [width, height] of [
  [1280, 800],
  [1440, 900],
] as const)
  pageTest(
    `Half of a screen of ${width} by ${height} is the graph's, with all strips`,
    HOUR,
    async (t, { page }) => {
      await strip(page, 'GC time').waitFor();
      const box = await page.locator('#panel').boundingBox();
      t.true(box !== null && box.y + height / 2 <= height, JSON.stringify(box));
    },
    { width, height },
  );
