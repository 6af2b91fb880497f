/** The insights, and the way from each to its frames. */
import { HOUR, pageTest, shows } from '../support/viewer/page.js';
import { MARKUP } from '../support/viewer/samples.js';

const INSIGHTS = `${HOUR}&tab=insights`;

pageTest(
  'Insights are told with their share, evidence, rule and remedy, and so is the rest',
  INSIGHTS,
  async (t, { page, server }) => {
    await shows(page, '[data-summary]', /2 of 5 rules found something.*busy for 1 min of 1\.5 min/s);
    const card = page.getByRole('article', { name: 'JSON takes much of the main thread' });
    const text = await card.innerText();
    for (const told of [
      'high',
      '31.4%',
      '31.4 % of the CPU time is in JSON.',
      'The remedy of json.',
      '18.8 s',
      MARKUP,
    ])
      t.true(text.includes(told), `${told} in ${text}`);
    t.false(await card.getByText('The rule of json').isVisible());
    await card.getByText('The rule', { exact: true }).click();
    t.true(await card.getByText('The rule of json').isVisible());
    t.deepEqual(await page.locator('.insight-rest').allInnerTexts(), [
      'Could not be checked\nsubject of pool: it is too busy.',
      'Cannot be told from these profiles\nsubject of exceptions: native frames are missing.',
      'Checked and fine\nsubject of sync-fs: 0.4%',
    ]);
    // Each rule asks for the kind of value that it needs.
    t.false(server.asked.some((asked) => asked.startsWith('insights') && asked.includes('type=')));
  },
);

pageTest(
  'An insight opens the flame graph at its frames, on its thread, and the way back',
  `${INSIGHTS}&where=${encodeURIComponent('thread name:worker')}&where=host:a`,
  async (t, { page, go }) => {
    // Of that host there is nothing on these threads.
    await shows(page, '.notice', /No samples/);
    await go(INSIGHTS);
    await page
      .getByRole('article', { name: 'The event loop is blocked' })
      .getByRole('link', { name: 'Show it in the flame graph' })
      .click();
    await shows(page, '.function-bar', /postOrder.*order\.ts/s);
    await shows(page, '[data-matched]', /matched/);
    const query = new URL(page.url()).searchParams;
    t.deepEqual(query.getAll('where'), ['thread name:main']);
    t.is(query.get('type'), 'wall');
    t.is(query.get('function'), 'postOrder');
    await page.goBack();
    await shows(page, '[data-summary]', /2 of 5/);
  },
);

pageTest('A frame of an insight opens its sandwich, by the keyboard alone', HOUR, async (t, { page }) => {
  await shows(page, '[data-total]', '4.76 min');
  await page.keyboard.press('i');
  await shows(page, '[data-summary]', /2 of 5/);
  const link = page.getByRole('link', { name: 'renderCart', exact: true });
  await link.focus();
  await page.keyboard.press('Enter');
  await shows(page, '.sandwich-name', /renderCart.*cart\.ts/s);
  t.is(new URL(page.url()).searchParams.get('tab'), 'sandwich');
  t.deepEqual(new URL(page.url()).searchParams.getAll('where'), ['thread name:main']);
});

pageTest('A failure of all insights is told with its remedy', HOUR, async (_t, { page, server }) => {
  server.refuse.set('insights', 'The store is being repaired. Try again in a minute.');
  await page.getByRole('tab', { name: 'Insights' }).click();
  await shows(page, '[role=alert]', 'The store is being repaired. Try again in a minute.');
  server.refuse.clear();
  await page.getByRole('button', { name: 'Try again' }).click();
  await shows(page, '[data-summary]', /2 of 5/);
});
