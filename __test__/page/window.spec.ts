/** The time that the page shows before anybody chooses. */
import { pageTest, shows } from '../support/viewer/page.js';
import { MINUTE, shopProfile } from '../support/viewer/samples.js';

const clock = (at: number) => new Date(at).toISOString().slice(11, 19);

/** Of the hour that the fixture is: half a year of nothing is behind it. */
pageTest('A page of old profiles shows the last hour of them', '', async (t, { page }) => {
  await shows(page, '[data-total]', '4.76 min');
  await shows(page, '.range', /2026-01-15 11:00:00 – 12:00:00/);
  await shows(page, '.header .warn', /^nothing for /);
  t.is(await page.locator('.notice').count(), 0);
});

pageTest('So does one that follows the present', 'service=shop&last=5m&live=1', async (_t, { page }) => {
  // Five minutes of both processes, of which each profile tells a minute.
  await shows(page, '.range', /11:55:00 – 12:00:00/);
  await shows(page, '[data-total]', `${((5 * 1.5 * (2560 + 1224)) / 1000).toFixed(1)} s`);
});

pageTest(
  'A program that has run for ten seconds has the width of ten',
  '',
  async (t, { page, server, go }) => {
    const to = Date.now() - 2000;
    server.profiles.splice(0, Number.POSITIVE_INFINITY, {
      ...shopProfile(to, '1.4.0', 'web-1'),
      from: to - 10_000,
    });
    await go('');
    await shows(page, '[data-total]', '2.56 s');
    await shows(page, '.range', new RegExp(`^${clock(to - 10_000)} – `));
    t.is(await page.locator('.header .warn').count(), 0);
  },
);

pageTest(
  'A service of another time is shown with all that it has',
  `service=shop&from=${Date.now() - MINUTE}&to=${Date.now()}`,
  async (_t, { page, server, go }) => {
    const to = Date.UTC(2025, 0, 1);
    server.profiles.splice(0, Number.POSITIVE_INFINITY, shopProfile(Date.now(), '1.4.0', 'web-1'), {
      ...shopProfile(to, '1.4.0', 'web-1', 2),
      service: 'old.pprof',
    });
    await go(`service=shop&from=${Date.now() - 5 * MINUTE}&to=${Date.now()}`);
    await shows(page, '[data-total]', '2.56 s');
    await page.getByRole('combobox', { name: 'Service' }).selectOption('old.pprof');
    await shows(page, '[data-total]', '5.12 s');
  },
);
