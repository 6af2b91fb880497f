import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'ava';
import { END, HOUR, pageTest, shows } from '../support/viewer/page.js';
import { CART, problemProfiles } from '../support/viewer/problems.js';
import { MINUTE, shopProfile } from '../support/viewer/samples.js';

const AXE = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');

pageTest(
  'A range without samples leads to one that has some',
  `service=shop&from=${END + 1e7}&to=${END + 1e7 + 60 * MINUTE}`,
  async (_t, { page }) => {
    await shows(page, '.notice', 'No samples of type cpu in this range');
    await shows(page, '.notice', /shop was seen last at 2026-01-15 12:00:00/);
    await page.getByRole('button', { name: 'Show that time' }).click();
    await shows(page, '[data-total]', '4.76 min');
  },
);

pageTest(
  'Filters that leave nothing are removed by a click',
  `${HOUR}&where=host:nowhere`,
  async (_t, { page }) => {
    await shows(page, '.notice', /A filter is set/);
    await page.getByRole('button', { name: 'Remove it' }).click();
    await shows(page, '[data-total]', '4.76 min');
  },
);

pageTest(
  'A collector that has ended takes away nothing that was shown of it',
  HOUR,
  async (t, { page, server }) => {
    await shows(page, '.foot', '32 nodes');
    for (const path of ['tree', 'series', 'metrics', 'services']) server.refuse.set(path, 'It has ended.');
    await page.keyboard.press('r');
    await shows(page, '[role=alert]', /What is shown is of before: It has ended\./);
    await shows(page, '.foot', '32 nodes');
    await shows(page, '.strip-name', 'as it was before');
    t.is(await page.getByText('This cannot be shown').count(), 0);
    // Of another time there is nothing to be shown.
    await page.keyboard.press('[');
    await shows(page, '.failure', /This cannot be shown.*It has ended\./s);
    server.refuse.clear();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
  },
);

pageTest(
  'What the collector refuses is shown with its remedy',
  `${HOUR}&where=env:prod`,
  async (_t, { page, server, go }) => {
    server.refuse.set('tree', 'The store is being repaired. Try again in a minute.');
    await go(`${HOUR}&where=env:prod`);
    await shows(page, '[role=alert]', 'The store is being repaired. Try again in a minute.');
    server.refuse.clear();
    await page.getByRole('button', { name: 'Try again' }).click();
    await shows(page, '.foot', /32 nodes/);
  },
);

pageTest(
  'A function that is not in the range is said to be in none of its samples',
  `${HOUR}&tab=sandwich&function=gone&file=gone.ts`,
  async (_t, { page }) => {
    await shows(page, '.notice', 'gone is in no sample of this range');
  },
);

pageTest(
  'A service that is not there is named, and those that are',
  'service=nobody',
  async (_t, { page }) => {
    await shows(page, '.notice', 'There is no service nobody');
    await shows(page, '.notice', /shop, mailer/);
  },
);

pageTest(
  'With no profile yet the page says how to send one, and shows it at once',
  '',
  async (_t, { page, server, go }) => {
    const all = server.profiles.splice(0);
    await go('');
    await shows(page, '.notice', /npx everflame dev -- node app\.js/);
    await server.listened();
    server.ingest({ ...(all[0] as (typeof all)[0]), from: Date.now() - MINUTE, to: Date.now() });
    await shows(page, '[data-total]', '2.56 s');
  },
);

/** An hour that has just ended: as a whole it is in the last hour for half a minute. */
const justNow = () => Date.now() - 1000;
pageTest(
  'Live mode shows what arrives',
  'service=shop&live=1&tab=threads',
  async (t, { page, server }) => {
    await shows(page, '[data-total]', '4.76 min');
    await server.listened();
    // A hundred times the load: 2560 ms and 1224 more become minutes.
    server.ingest(shopProfile(Date.now(), '1.5.0', 'web-3', 100));
    const minutes = (30 * 1.5 * (2560 + 3784) + 100 * 3784) / 60000;
    await shows(page, '[data-sum]', `${minutes.toFixed(1)} min`);
    t.is(await page.getByRole('button', { name: 'Live' }).getAttribute('aria-pressed'), 'true');
  },
  { end: justNow },
);

pageTest(
  'Live mode asks a slow collector one question at a time, and last the newest',
  'service=shop&live=1',
  async (t, { page, server }) => {
    await shows(page, '.foot', /32 nodes/);
    await server.listened();
    let release = () => {};
    server.hold.set(
      'tree',
      new Promise((go) => {
        release = go;
      }),
    );
    const trees = () => server.asked.filter((question) => question.startsWith('tree?')).length;
    const labels = () => server.asked.filter((question) => question.startsWith('labels?')).length;
    const before = trees();
    for (let profile = 1; profile <= 5; profile++) {
      const asked = labels();
      server.ingest(shopProfile(Date.now(), '1.5.0', `web-${profile}`, 1));
      // The other questions are answered, so that each event is seen to have been acted on.
      while (labels() === asked) await page.waitForRequest(/labels/);
    }
    t.is(trees(), before + 1);
    const endOf = (path: string) =>
      Number(
        new URLSearchParams(server.asked.findLast((asked) => asked.startsWith(path))?.split('?')[1]).get(
          'to',
        ),
      );
    const newest = endOf('labels');
    t.true(endOf('tree') < newest);
    server.hold.clear();
    const last = page.waitForResponse(/tree/);
    release();
    await last;
    // 120 profiles are two hours, and there are five minutes more.
    await shows(page, '.foot', /from 2\.1 h of profiles/);
    while (endOf('tree') < newest) await page.waitForRequest(/tree/);
    t.is(server.most.get('tree'), 1);
  },
  { end: justNow },
);

for (const dark of [false, true])
  for (const tab of [
    'flame&beside=1&function=renderCart&file=/srv/shop/src/cart.ts',
    'top',
    'tree',
    'sandwich&function=renderCart&file=/srv/shop/src/cart.ts',
    'compare&against=version',
    'compare&against=version&layout=table',
    'timeline',
    'threads',
    'packages',
    'labels',
    'profiles',
    'insights',
    'source&source=/srv/shop/src/cart.ts&line=40',
    'exceptions&row=TypeError',
    'locks&row=cache',
  ])
    pageTest(
      `Nothing is unnamed, unreachable or too faint: ${tab}, ${dark ? 'dark' : 'light'}`,
      `${HOUR}&tab=${tab}`,
      async (t, { page, server, go }) => {
        server.profiles.push(...problemProfiles(END));
        server.sources.set('/srv/shop/src/cart.ts', CART);
        await go(`${HOUR}&tab=${tab}`);
        await page.locator('.answer[aria-busy=false]').first().waitFor();
        await shows(page, '[data-total]', '4.76 min');
        await page.evaluate(AXE);
        const violations = await page.evaluate(async () => {
          // biome-ignore lint/suspicious/noExplicitAny: axe puts itself there without a type
          const results = await (globalThis as any).axe.run(document, { resultTypes: ['violations'] });
          return results.violations.map(
            (one: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
              `${one.id}: ${one.nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join(' | ')}`,
          );
        });
        t.deepEqual(violations, []);
      },
      { dark },
    );

test('The page is served without a script or a style inside of it', (t) => {
  const html = readFileSync('dist/viewer/index.html', 'utf8');
  t.notRegex(html, /<style|style=|<script(?![^>]* src=)/);
  t.notRegex(html, /https?:/);
});
