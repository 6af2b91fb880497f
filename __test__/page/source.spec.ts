/** What each line of a file costs. */
import { HOUR, openMenu, pageTest, shows } from '../support/viewer/page.js';
import { CART } from '../support/viewer/problems.js';
import { shopProfile } from '../support/viewer/samples.js';

const FILE = '/srv/shop/src/cart.ts';
const OPEN = `${HOUR}&tab=source&source=${FILE}`;
/** Of both halves of the hour: a minute's milliseconds in the old version and in the new one. */
const minutes = (before: number, after: number) =>
  `${Number((((before + after) * 45) / 60000).toFixed(2))} min`;

pageTest(
  'Figures stand beside the text of a file, each line its own',
  HOUR,
  async (t, { page, server, go }) => {
    server.sources.set(FILE, CART);
    await go(OPEN);
    const row = (line: number) =>
      page.getByRole('row', { name: new RegExp(`^${line}\\b.*const line${line} `) });
    // 401 ms a minute, and 1203: self and total.
    await row(40).waitFor();
    const both = minutes(401, 1203);
    t.is(((await row(40).innerText()).match(new RegExp(both.replace('.', '\\.'), 'g')) ?? []).length, 2);
    t.is(await row(40).getAttribute('aria-selected'), 'true');
    // Line 16 calls: 150 ms a minute below it, in 90 minutes of a process, and nothing of its own.
    await page.getByRole('grid', { name: /^Lines/ }).press('Home');
    t.regex(await row(16).innerText(), /^16\s+13\.5 s\s+const/);
    t.regex(await row(17).innerText(), /^17\s+const/);
    t.is(await page.locator('.code b').count(), 0);
    t.is(await page.locator('.source-note').count(), 0);
    await shows(page, '[data-source-self]', minutes(401, 1203));
  },
);

pageTest(
  'Keys go from line to line, and from one that costs much to the next',
  HOUR,
  async (t, { page, server, go }) => {
    server.sources.set(FILE, CART);
    await go(OPEN);
    const lines = page.getByRole('grid', { name: /^Lines/ });
    const chosen = () => lines.locator('[aria-selected=true] [role=rowheader]').innerText();
    await shows(page, '[role=grid] [aria-selected=true]', 'const line40');
    await lines.press('n');
    t.is(await chosen(), '44');
    await lines.press('n');
    t.is(await chosen(), '12');
    t.regex(page.url(), /line=12/);
    await lines.press('p');
    t.is(await chosen(), '44');
    await lines.press('ArrowUp');
    t.is(await chosen(), '43');
    await lines.press('End');
    t.is(await chosen(), '60');
    await page.reload();
    await shows(page, '[role=grid] [aria-selected=true]', 'const line60');
  },
);

pageTest('It is reached from the graph, a table and the sandwich', HOUR, async (t, { page, server, go }) => {
  server.sources.set(FILE, CART);
  for (const from of ['flame', 'top', 'sandwich']) {
    await go(`${HOUR}&tab=${from}&function=renderCart&file=${FILE}`);
    if (from === 'flame') {
      await openMenu(page);
      await page.getByRole('menuitem', { name: 'Show source' }).click();
    } else await page.getByRole('button', { name: 'Source', exact: true }).click();
    await page.getByRole('tabpanel', { name: 'Source' }).waitFor();
    await shows(page, '.source-name', FILE);
    t.regex(page.url(), /source=%2Fsrv%2Fshop%2Fsrc%2Fcart\.ts/);
  }
});

pageTest('Without the text there are figures by line, and why', OPEN, async (t, { page }) => {
  await shows(page, '.source-note', 'The text is not here, since it is not on this machine.');
  const lines = page.getByRole('grid', { name: /^Lines/ }).getByRole('rowheader');
  t.deepEqual(await lines.allInnerTexts(), ['12', '14', '16', '40', '44']);
  t.is(await page.locator('.source a').count(), 0);
});

pageTest(
  'A commit that the processes tell leads to the repository',
  HOUR,
  async (t, { page, server, go }) => {
    const tell = (repository: string) => {
      for (const { tags } of server.profiles as { tags: Map<string, string> }[]) {
        tags.set('git.repository_url', repository);
        tags.set('git.commit.sha', '0123456789abcdef0123456789abcdef01234567');
      }
    };
    tell('git@github.com:acme/shop.git');
    await go(`${OPEN}&line=40`);
    const blob = 'https://github.com/acme/shop/blob/0123456789abcdef0123456789abcdef01234567/src/cart.ts';
    const link = page.getByRole('link', { name: 'src/cart.ts at 0123456789ab' });
    t.is(await link.getAttribute('href'), `${blob}#L40`);
    t.is(await link.getAttribute('rel'), 'noopener noreferrer');
    t.is(
      await page.getByRole('link', { name: 'line 44 in the repository' }).getAttribute('href'),
      `${blob}#L44`,
    );
    // Of a script it is the text alone.
    tell('javascript:alert(1)');
    await go(OPEN);
    await shows(page, '.source-name', 'src/cart.ts of javascript:alert(1) at 0123456789ab');
    t.is(await page.locator('.panel a').count(), 0);
  },
);

pageTest(
  'A file that was changed since, or is shorter, is said to be',
  HOUR,
  async (t, { page, server, go }) => {
    server.sources.set(FILE, { ...CART, text: 'one\ntwo\n', modified: Date.UTC(2026, 0, 15, 11, 30) });
    await go(OPEN);
    await shows(page, '.source-note', /The file was changed at .*11:30:00, after these profiles began/);
    await shows(page, '.source-note', '5 lines with figures are not in this text');
    t.is(await page.getByRole('grid', { name: /^Lines/ }).getAttribute('aria-rowcount'), '8');
  },
);

pageTest(
  'A file of a hundred thousand lines has few of them in the page',
  HOUR,
  async (t, { page, server, go }) => {
    const text = Array.from({ length: 100_000 }, (_, index) => `${index + 1}`).join('\n');
    server.sources.set(FILE, { ...CART, text });
    await go(OPEN);
    const lines = page.getByRole('grid', { name: /^Lines/ });
    // Figures may be there before the text is; the head is a row too.
    await page.locator('[role=grid][aria-rowcount="100001"]').waitFor();
    await shows(page, '[role=grid] [aria-selected=true]', '40');
    await lines.press('End');
    await shows(page, '[role=grid] [aria-selected=true]', '100000');
    t.true((await lines.getByRole('row').count()) < 150);
  },
);

pageTest(
  'While figures follow the present, the text is asked for once and stays where it is read',
  '',
  async (t, { page, server, go }) => {
    const now = Date.now();
    server.profiles.splice(0, Number.POSITIVE_INFINITY, shopProfile(now - 1000, '1.4.0', 'web-1'));
    server.sources.set(FILE, CART);
    await go(`service=shop&live=1&tab=source&source=${FILE}`);
    await shows(page, '[role=grid] [aria-selected=true]', 'const line40');
    const lines = page.getByRole('grid', { name: /^Lines/ });
    await lines.evaluate((element) => {
      element.scrollTop = 0;
    });
    await server.listened();
    // Three times the time of line 40, which stays the hottest, and of the others.
    server.ingest(shopProfile(Date.now(), '1.5.0', 'web-2'));
    await shows(page, '[data-source-self]', `${Number(((401 + 1203) / 1000).toFixed(2))} s`);
    t.is(await lines.evaluate((element) => element.scrollTop), 0);
    t.is(server.asked.filter((question) => question.startsWith('source?')).length, 1);
  },
);
