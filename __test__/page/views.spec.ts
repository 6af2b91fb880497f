import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { HOUR, pageTest, shows } from '../support/viewer/page.js';
import { MARKUP } from '../support/viewer/samples.js';

/**
 * The fixture's CPU time in milliseconds: 2560 a minute in version 1.4.0, 1224 more in 1.5.0, thirty minutes of each, in a process
 * with all of the load and one with half.
 */
const TOTAL = 30 * 1.5 * (2560 + 2560 + 1224);

pageTest('The flame graph has the total of the hour', HOUR, async (t, { page }) => {
  await shows(page, '[data-total]', '4.76 min');
  t.is(await page.locator('[data-total]').getAttribute('title'), `${(TOTAL * 1e6).toLocaleString('en')} ns`);
  await shows(page, '.foot', '32 nodes from 2 h of profiles');
});

pageTest(
  'A function chosen in the table is selected in the graph beside it',
  `${HOUR}&beside=1`,
  async (t, { page }) => {
    await page.getByRole('row', { name: /renderCart/ }).click();
    await shows(page, '.function-bar', /renderCart.*src\/cart\.ts/);
    // 612 ms a minute, and three times that.
    await shows(page, '.function-bar', `${((612 * 4 * 45) / 60000).toFixed(2)} min`);
    t.regex(page.url(), /function=renderCart/);
  },
);

pageTest(
  'The top table is sorted by self, total and name, and filtered',
  `${HOUR}&tab=top`,
  async (t, { page }) => {
    const first = () => page.locator('.table-row').first().innerText();
    await page.locator('.table-row').first().waitFor();
    t.regex(await first(), /1\.2 min\s+25\.3%[\s\S]*renderCart/);
    await page.getByRole('button', { name: 'Total' }).click();
    t.regex(await first(), /start_thread/);
    await page.getByRole('button', { name: 'Function' }).click();
    t.regex(await first(), /<anonymous>/);
    t.is(await page.locator('[aria-sort=ascending]').innerText(), 'Function ↑');
    await page.getByLabel('Filter by name, file or package').fill('price.ts');
    await shows(page, '[data-found]', /^3 of 30 functions, self 11\.7 s$/);
  },
);

pageTest('The call tree is opened and closed by keys', `${HOUR}&tab=tree&fold=0`, async (t, { page }) => {
  const tree = page.getByRole('treegrid');
  const row = (name: string) => page.getByRole('row', { name: new RegExp(name) });
  await row('getCart').waitFor();
  t.is(await row('postOrder').getAttribute('aria-expanded'), 'false');
  t.is(await row('start_thread').getAttribute('aria-level'), '1');
  await tree.focus();
  await page.keyboard.press('Home');
  t.is(await row('start_thread').getAttribute('aria-selected'), 'true');
  t.is(await tree.getAttribute('aria-activedescendant'), await row('start_thread').getAttribute('id'));
  await page.keyboard.press('ArrowLeft');
  t.is(await page.getByRole('row').count(), 2);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await shows(page, '.function-bar', 'processTicksAndRejections');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowLeft');
  await shows(page, '.function-bar', 'start_thread');
  await page.getByRole('button', { name: 'Open all' }).click();
  t.is(await page.getByRole('treegrid').getAttribute('aria-rowcount'), '33');
});

pageTest(
  'The sandwich has callers, callees and the total of a function',
  `${HOUR}&tab=sandwich`,
  async (t, { page }) => {
    await shows(page, '.notice', 'Choose a function');
    await page.getByRole('row', { name: /priceOf/ }).click();
    // Recursive: 89 and 41 ms a minute, each counted once.
    await shows(page, '[data-sandwich-total]', '11.7 s');
    t.is(await page.getByLabel('Callers', { exact: true }).locator('canvas').count(), 1);
    t.is(await page.getByLabel('Callees', { exact: true }).locator('canvas').count(), 1);
  },
);

pageTest('Versions are compared by the second', `${HOUR}&tab=compare`, async (t, { page }) => {
  await page.getByLabel('Compare by').selectOption('version');
  await shows(page, '[data-side=a]', '1.92 min');
  await shows(page, '[data-side=b]', '2.84 min');
  await shows(page, '[data-change]', `+${((1224 / 2560) * 100).toFixed(1)}%`);
  await page.getByRole('radio', { name: 'Side by side' }).click();
  await page.locator('.sides canvas').nth(1).waitFor();
  await page.getByRole('radio', { name: 'Table' }).click();
  const row = page.locator('tbody tr').first();
  // 401 ms of its own a minute become 1203: 802 more, in 45 minutes of a process.
  t.regex(await row.innerText(), /renderCart\s+18 s\s+54\.1 s\s+\+36\.1 s/);
  await page.getByRole('button', { name: 'Swap' }).click();
  await shows(page, '[data-side=a]', '2.84 min');
  t.regex(await row.innerText(), /-36\.1 s/);
});

pageTest(
  'A range is compared with the time just before',
  `service=shop&from=${Date.UTC(2026, 0, 15, 11, 30)}&to=${Date.UTC(2026, 0, 15, 12)}&tab=compare`,
  async (_t, { page, go }) => {
    await shows(page, '[data-side=a]', '1.92 min');
    await shows(page, '[data-side=b]', '2.84 min');
    // Nothing came before the first hour.
    await go(`${HOUR}&tab=compare`);
    await shows(page, '[data-change]', 'There is nothing in A: all of B is new. Compare with something else');
  },
);

pageTest('Threads add up to the total, and filter by a click', `${HOUR}&tab=threads`, async (t, { page }) => {
  await shows(page, '[data-sum]', '4.76 min');
  const main = page.getByRole('button', { name: 'main', exact: true });
  await main.click();
  await shows(page, '.chip', /thread name = main/);
  // Without the worker's 751 ms and the pool's 83 a minute.
  const minutes = ((TOTAL - (751 + 83) * 90) / 60000).toFixed(2);
  await shows(page, '[data-total]', `${minutes} min`);
  t.is(await main.getAttribute('aria-pressed'), 'true');
  await main.click();
  await shows(page, '[data-total]', '4.76 min');
});

pageTest(
  'Endpoints have their time, and what is outside of them',
  `${HOUR}&tab=endpoints`,
  async (_t, { page }) => {
    // 762 ms a minute, and 1224 more in the second half.
    await shows(page, 'tr', new RegExp(`GET /cart\\s*${(((762 + 762 + 1224) * 45) / 60000).toFixed(2)} min`));
    await shows(page, 'tr', /\(outside of requests\)/);
    await shows(page, '[data-sum]', '4.76 min');
  },
);

pageTest(
  'Where no sample tells its endpoint, it is said who does',
  `${HOUR}&tab=endpoints&where=thread name:libuv-worker`,
  async (t, { page, go }) => {
    await shows(page, '.notice', /No sample tells its endpoint.*trace endpoint/s);
    // Who asks for these has a row that takes the filter away.
    await go(`${HOUR}&tab=endpoints&where=trace endpoint:`);
    await shows(page, 'tr', /\(outside of requests\)/);
    t.is(await page.locator('.notice').count(), 0);
  },
);

pageTest(
  'A package leads to the graph, where it is searched',
  `${HOUR}&tab=packages`,
  async (_t, { page }) => {
    await page.getByRole('button', { name: 'pg-protocol' }).click();
    // 53 ms a minute.
    await shows(page, '[data-matched]', `${(((53 * 90) / TOTAL) * 100).toFixed(1)}% matched`);
  },
);

pageTest(
  'A search of functions leaves the tables whole that have no field for it',
  `${HOUR}&search=renderCart`,
  async (t, { page, go }) => {
    for (const tab of ['threads', 'endpoints', 'packages', 'labels&by=host']) {
      const counts: number[] = [];
      for (const search of ['', '&search=renderCart']) {
        await go(`${HOUR}&tab=${tab}${search}`);
        await page.locator('tbody tr').first().waitFor();
        counts.push(await page.locator('tbody tr').count());
      }
      t.true((counts[0] as number) > 1);
      t.is(counts[1], counts[0], tab);
    }
  },
);

pageTest('Labels are counted by any key', `${HOUR}&tab=labels`, async (_t, { page }) => {
  await page.getByRole('combobox', { name: 'By', exact: true }).selectOption('host');
  // Half the load has a third of the time.
  await shows(page, 'tr', /web-2\s*1\.59 min\s*33\.3%/);
});

pageTest(
  'Profiles are listed, and the selection is downloaded as pprof',
  `${HOUR}&tab=profiles&where=host:web-1`,
  async (t, { page }) => {
    await shows(page, '.toolbar', '60 profiles');
    t.is(await page.locator('tbody tr').count(), 60);
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'All of it as pprof' }).click();
    const profile = Profile.decode(gunzipSync(readFileSync(await (await download).path())));
    const cpu = profile.sample.reduce((sum, { value }) => sum + Number(value[0]), 0);
    t.is(cpu, (TOTAL / 1.5) * 1e6);
  },
);

pageTest(
  'The timeline has a lane for each thread of each process',
  `${HOUR}&tab=timeline`,
  async (t, { page }) => {
    await page.locator('canvas').last().waitFor();
    // Two hosts, two versions each, three threads.
    for (const name of ['main', 'worker 1', 'libuv-worker'])
      for (const process of ['web114', 'web115', 'web214', 'web215'])
        await page.getByRole('button', { name: `${name} ${process}` }).waitFor();
    t.is(await page.getByRole('tabpanel').getByRole('listitem').count(), 12);
  },
);

pageTest(
  'A range chosen in the lanes is added up, and stands in the address',
  `${HOUR}&tab=timeline`,
  async (t, { page }) => {
    const lanes = await page.locator('.panel canvas').last().boundingBox();
    if (!lanes) throw new Error('There are no lanes.');
    await page.mouse.move(lanes.x + lanes.width * 0.5, lanes.y + 100);
    await page.mouse.down();
    await page.mouse.move(lanes.x + lanes.width * 0.9, lanes.y + 100, { steps: 4 });
    await page.mouse.up();
    await shows(page, '[data-chosen]', /\d+ samples, CPU time .* min, wall time .* min/);
    t.regex(page.url(), /lanes=/);
  },
);

pageTest(
  'What is hidden in the graph is said, and taken back',
  `${HOUR}&function=Layer.handle&file=/srv/shop/node_modules/router/lib/layer.js`,
  async (t, { page }) => {
    await page.getByRole('button', { name: 'Only this' }).click();
    // What is outside of requests is gone: 976 ms a minute.
    await shows(page, '.toolbar', `${((976 * 90) / 60000).toFixed(2)} min taken out`);
    await shows(page, '.chip', /Only Layer\.handle/);
    await page.getByRole('button', { name: 'Collapse recursion' }).click();
    t.regex(page.url(), /transform=focus.*transform=collapse/);
    await page.getByRole('button', { name: 'Take all back' }).click();
    t.is(await page.locator('.chip').count(), 0);
    await page.goBack();
    await shows(page, '.chip', /Recursion collapsed/);
  },
);

pageTest('Markup in names is text in every view', HOUR, async (t, { page, go }) => {
  for (const tab of ['flame&beside=1', 'top', 'sandwich', 'compare&layout=table&against=version']) {
    await go(`${HOUR}&tab=${tab}`);
    await page.getByText(MARKUP).first().waitFor();
  }
  await go(`${HOUR}&tab=tree&search=`);
  await page.getByRole('button', { name: 'Open all' }).click();
  await page.getByText(MARKUP).first().waitFor();
  await go(
    `${HOUR}&tab=sandwich&function=${encodeURIComponent(MARKUP)}&file=${encodeURIComponent('/srv/shop/src/search.ts')}`,
  );
  // 173 ms a minute.
  await shows(page, '[data-sandwich-total]', '15.6 s');
  await go(`${HOUR}&where=${encodeURIComponent(`x:${MARKUP}`)}`);
  await shows(page, '.chip', MARKUP);
  t.is(await page.locator('img').count(), 0);
  t.is(await page.title(), 'shop · Everflame');
});
