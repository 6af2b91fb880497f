/** Of a system without a language browsers make one that is none. */
import { join } from 'node:path';
import test from 'ava';
import { startBrowser } from '../support/viewer/browser.js';
import { END, HOUR } from '../support/viewer/page.js';
import { hourOfProfiles } from '../support/viewer/samples.js';
import { servePage } from '../support/viewer/server.js';

test('the page begins whatever the language of the system is', async (t) => {
  for (const language of ['C', 'POSIX', 'en_US.UTF-8']) {
    const browser = await startBrowser({ LANG: language, LC_ALL: language, LANGUAGE: '' });
    const server = await servePage(join(__dirname, '..', '..', 'dist', 'viewer'), hourOfProfiles(END));
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      await page.goto(`${server.url}?${HOUR}`);
      await page.locator('[data-total]').getByText('4.76 min').waitFor({ timeout: 15_000 });
      t.deepEqual(problems, [], language);
    } finally {
      await browser.close();
      await server.close();
    }
  }
});
