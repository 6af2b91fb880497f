/** Native and Node.js frames between those of the program. */
import { HOUR, openMenu, pageTest, shows } from '../support/viewer/page.js';

const RUN = 'start_thread ⋯ 3 native and Node.js frames';

pageTest('Runs are one row, and a row opens its run', `${HOUR}&tab=tree`, async (t, { page }) => {
  const run = page.getByRole('row', { name: RUN });
  await run.waitFor();
  await page.getByRole('button', { name: 'Open all' }).click();
  // Two frames less: between the thread and the router.
  t.is(await page.getByRole('treegrid').getAttribute('aria-rowcount'), '31');
  await run.click();
  await shows(page, '.function-bar', 'start_thread, processTicksAndRejections, onParserExecuteCommon');
  await shows(page, '.function-bar', '4.76 min');
  await page.getByRole('treegrid').press('o');
  await page.getByRole('row', { name: 'processTicksAndRejections' }).waitFor();
  await page.getByRole('button', { name: 'Open all' }).click();
  t.is(await page.getByRole('treegrid').getAttribute('aria-rowcount'), '33');
  t.regex(page.url(), /open=\w/);
  await page.reload();
  await page.getByRole('row', { name: 'processTicksAndRejections' }).waitFor();
  await page.getByRole('button', { name: 'Fold those that are opened' }).click();
  await run.waitFor();
  t.notRegex(page.url(), /open=/);
});

pageTest('The switch stands in the address, and no total depends on it', HOUR, async (t, { page }) => {
  await shows(page, '.foot', '32 nodes');
  await page.getByLabel(/Merged stacks, 30 nodes/).waitFor();
  const fold = page.getByRole('button', { name: 'Fold native' });
  t.is(await fold.getAttribute('aria-pressed'), 'true');
  await page.keyboard.press('/');
  await page.keyboard.type('processTicks');
  // What runs in requests: all but 976 ms a minute.
  const share = /^(?!100%|0%).*% matched$/;
  await shows(page, '[data-matched]', share);
  const matched = await page.locator('[data-matched]').innerText();
  await fold.click();
  await page.getByLabel(/Merged stacks, 32 nodes/).waitFor();
  t.is(await page.locator('[data-matched]').innerText(), matched);
  t.regex(page.url(), /fold=0/);
  await shows(page, '[data-total]', '4.76 min');
  await page.goBack();
  await page.getByLabel(/Merged stacks, 30 nodes/).waitFor();
});

pageTest(
  'A function in a run is found there, and the menu opens the run',
  `${HOUR}&function=processTicksAndRejections&file=node:internal/process/task_queues`,
  async (t, { page }) => {
    await shows(page, '.function-bar', RUN);
    await openMenu(page);
    await page.getByRole('menuitem', { name: 'Open 3 native and Node.js frames' }).click();
    await page.getByLabel(/Merged stacks, 32 nodes/).waitFor();
    t.regex(page.url(), /open=/);
  },
);

pageTest(
  'The sub-tree of a folded graph is that of its stacks, folded or not',
  `${HOUR}&function=Layer.handle&file=/srv/shop/node_modules/router/lib/layer.js`,
  async (t, { page }) => {
    await openMenu(page);
    await page.getByRole('menuitem', { name: 'Show only this sub-tree' }).click();
    // What is outside of requests is gone: 976 ms a minute.
    const taken = `${((976 * 90) / 60000).toFixed(2)} min taken out`;
    await shows(page, '.toolbar', taken);
    await page.getByRole('button', { name: 'Fold native' }).click();
    await shows(page, '.toolbar', taken);
    t.regex(page.url(), /folded-subtree/);
  },
);

pageTest(
  'Around the function of a sandwich runs are folded too',
  `${HOUR}&tab=sandwich&function=Layer.handle&file=/srv/shop/node_modules/router/lib/layer.js`,
  async (t, { page }) => {
    const callers = page.getByLabel('Callers', { exact: true }).getByRole('application');
    // The function, and what calls it: nothing of the program leads on behind it.
    t.regex((await callers.getAttribute('aria-label')) ?? '', /^Callers, 4 nodes/);
    await page.getByRole('button', { name: 'Source' }).click();
    await page.getByRole('tabpanel', { name: 'Source' }).waitFor();
  },
);
