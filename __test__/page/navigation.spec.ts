import { END, HOUR, pageTest, shows } from '../support/viewer/page.js';
import { MINUTE } from '../support/viewer/samples.js';

pageTest('The brush filters everything, and the back button takes it away', HOUR, async (t, { page }) => {
  await shows(page, '[data-total]', '4.76 min');
  const plot = await page.locator('.strip-plot .u-over').first().boundingBox();
  if (!plot) throw new Error('There is no strip.');
  const at = (share: number) => plot.x + plot.width * share;
  await page.mouse.move(at(0.25), plot.y + 20);
  await page.mouse.down();
  await page.mouse.move(at(0.4), plot.y + 20, { steps: 4 });
  await page.mouse.up();
  // Nine minutes of version 1.4.0 in one and a half processes.
  await shows(page, '[data-total]', `${(9 * 2.56 * 1.5).toFixed(1)} s`);
  t.regex(page.url(), /brush=/);
  await page.getByRole('tab', { name: 'Threads' }).click();
  await shows(page, '[data-sum]', '34.6 s');
  await page.goBack();
  await page.goBack();
  await shows(page, '[data-total]', '4.76 min');
  await page.goForward();
  await shows(page, '[data-total]', '34.6 s');
  await page.getByRole('button', { name: 'Make the brushed range the window' }).click();
  t.notRegex(page.url(), /brush=/);
  await shows(page, '[data-total]', '34.6 s');
});

pageTest('A click on a strip takes the brush away', HOUR, async (t, { page, go }) => {
  await go(`${HOUR}&brush=${END - 45 * MINUTE}..${END - 36 * MINUTE}`);
  await shows(page, '[data-total]', `${(9 * 2.56 * 1.5).toFixed(1)} s`);
  const plot = await page.locator('.strip-plot .u-over').nth(1).boundingBox();
  if (!plot) throw new Error('There is no second strip.');
  await page.mouse.click(plot.x + plot.width * 0.8, plot.y + 10);
  await shows(page, '[data-total]', '4.76 min');
  t.notRegex(page.url(), /brush=/);
  await page.goBack();
  await shows(page, '[data-total]', `${(9 * 2.56 * 1.5).toFixed(1)} s`);
});

pageTest('The arrows lead into a graph in which nothing is chosen', HOUR, async (t, { page, go }) => {
  const graph = page.getByRole('application');
  for (const shape of ['icicle', 'flame']) {
    await go(`${HOUR}&fold=0&shape=${shape}`);
    const [inward, outward] = shape === 'icicle' ? ['ArrowDown', 'ArrowUp'] : ['ArrowUp', 'ArrowDown'];
    for (const key of [inward, outward, 'ArrowRight', 'ArrowLeft']) {
      await graph.press(key as string);
      await shows(page, '.function-bar', 'start_thread');
      // Out of the tree nothing is chosen any more.
      await graph.press(outward as string);
      await page.locator('.function-bar').waitFor({ state: 'detached' });
    }
    await graph.press(inward as string);
    await graph.press(inward as string);
    await shows(page, '.graph-spoken', 'processTicksAndRejections');
    await graph.press(outward as string);
    await graph.press(outward as string);
    await page.locator('.function-bar').waitFor({ state: 'detached' });
  }
  t.notRegex(page.url(), /selected=/);
});

pageTest('The brush is begun, moved and taken away by keys', HOUR, async (t, { page }) => {
  await shows(page, '[data-total]', '4.76 min');
  await page.keyboard.press('b');
  await page.keyboard.press('ArrowRight');
  // A tenth: six minutes.
  await shows(page, '[data-total]', `${(6 * 2.56 * 1.5).toFixed(0)} s`);
  await page.keyboard.press('ArrowRight');
  t.regex(page.url(), /brush=/);
  await page.keyboard.press('Escape');
  await shows(page, '[data-total]', '4.76 min');
});

pageTest('Search tells the share that matches', HOUR, async (t, { page }) => {
  // The total may be known before there is a view to search in.
  await page.locator('[data-search]').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('rendercart');
  await shows(page, '[data-matched]', '38.6% matched');
  t.regex(page.url(), /search=rendercart/);
  await page.keyboard.press('Escape');
  await page.locator('[data-matched]').waitFor({ state: 'detached' });
});

pageTest('A filter is found, set, turned round and removed by keys', HOUR, async (_t, { page }) => {
  await shows(page, '[data-total]', '4.76 min');
  await page.keyboard.press('f');
  await page.keyboard.type('vers');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await shows(page, '[role=option]', /version:1\.4\.0\s*40\.4%/);
  await page.keyboard.type('1.4');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await shows(page, '.chip', /version = 1\.4\.0/);
  await shows(page, '[data-total]', '1.92 min');
  await page.getByRole('button', { name: 'version is 1.4.0: turn round' }).press('Enter');
  await shows(page, '[data-total]', '2.84 min');
  await page.getByRole('combobox', { name: 'Filter by a tag or label' }).press('Backspace');
  await shows(page, '[data-total]', '4.76 min');
});

pageTest('Every view is reached by the keyboard, and named by its tab', HOUR, async (t, { page }) => {
  const tab = page.getByRole('tab', { name: 'Flame graph' });
  await tab.focus();
  const names = await page.getByRole('tab').allInnerTexts();
  t.is(names.length, 13);
  for (const name of names.slice(1)) {
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tabpanel', { name, exact: true }).waitFor();
    t.is(await page.evaluate(() => document.activeElement?.textContent), name);
  }
  await page.keyboard.press('3');
  await page.getByRole('tabpanel', { name: 'Call tree' }).waitFor();
});

pageTest(
  'Another type of value has totals of its own, and a strip for each type wanted',
  HOUR,
  async (t, { page }) => {
    await page.getByRole('combobox', { name: 'Value' }).selectOption('inuse_space');
    await shows(page, '[data-total]', /MiB/);
    await page.getByLabel('Add a strip').selectOption('cpu');
    await page.getByLabel('Add a strip').selectOption('wall');
    // Beside these: the event loop, memory and the garbage collector.
    await page.locator('.strip-plot canvas').nth(5).waitFor();
    t.is(await page.locator('.strip-plot canvas').count(), 6);
    await page.getByRole('button', { name: 'Remove the strip of CPU time' }).click();
    t.is(await page.locator('.strip-plot canvas').count(), 5);
  },
);

pageTest(
  'An address restores the whole view',
  `${HOUR}&tab=top&sort=name&order=ascending&search=cart&where=host:web-2`,
  async (t, { page }) => {
    await shows(page, '[data-total]', '1.59 min');
    await shows(page, '.chip', /host = web-2/);
    t.is(await page.locator('[data-search]').inputValue(), 'cart');
    t.is(await page.locator('[aria-sort=ascending]').innerText(), 'Function ↑');
    await page.reload();
    await shows(page, '[data-total]', '1.59 min');
  },
);

pageTest(
  'Another service starts without the filters of the last',
  `${HOUR}&where=host:web-2`,
  async (t, { page }) => {
    await shows(page, '[data-total]', '1.59 min');
    await page.getByRole('combobox', { name: 'Service' }).selectOption('mailer');
    await shows(page, '[data-total]', /s$/);
    t.is(await page.locator('.chip').count(), 0);
    await page.goBack();
    await shows(page, '[data-total]', '1.59 min');
  },
);

pageTest(
  "The theme is the system's until another is chosen, which holds",
  HOUR,
  async (t, { page }) => {
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    t.is(await theme(), 'dark');
    await page.getByRole('button', { name: 'Light colours' }).click();
    t.is(await theme(), 'light');
    await page.reload();
    await shows(page, '[data-total]', '4.76 min');
    t.is(await theme(), 'light');
    await page.keyboard.press('t');
    t.is(await theme(), 'dark');
  },
  { dark: true },
);

pageTest('The list of keys opens and closes', HOUR, async (t, { page }) => {
  await shows(page, '[data-total]', '4.76 min');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('3');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  t.notRegex(page.url(), /tab=/);
});

pageTest(
  'All that the header has is within a window of half a screen',
  HOUR,
  async (t, { page }) => {
    await shows(page, '[data-total]', '4.76 min');
    const header = page.locator('header');
    for (const control of await header.locator('button, select').all()) {
      const box = await control.boundingBox();
      const name = (await control.getAttribute('aria-label')) ?? (await control.innerText());
      t.true(box !== null && box.x >= 0 && box.x + box.width <= 800, name);
    }
    t.is(await page.evaluate(() => document.documentElement.scrollWidth), 800);
    // Nothing of it lies below what comes next.
    const [above, filters] = [await header.boundingBox(), await page.locator('.filters').boundingBox()];
    t.true(above !== null && filters !== null && above.y + above.height <= filters.y);
  },
  { width: 800 },
);
