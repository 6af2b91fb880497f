/** Files that are opened on the page: dropped, chosen, several, refused. On a real collector. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { LIMITS } from '#src/collector/limits.js';
import { MOST_BYTES } from '../../viewer/src/import/send-file.js';
import { cpuProfile } from '../import/support/cpuprofile.js';
import { temporaryFolder } from '../support/folder.js';
import { openView } from '../support/view.js';
import { startBrowser } from '../support/viewer/browser.js';

const AXE = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
const SCRIPT = '<img src=x onerror="document.title=1">';
const CPU = JSON.stringify(
  cpuProfile(
    [
      { id: 1, name: '(root)', children: [2] },
      { id: 2, name: 'main', url: 'file:///app/main.js', line: 9, children: [3] },
      { id: 3, name: SCRIPT, url: 'file:///app/main.js', line: 20 },
    ],
    [2, 3, 3],
    [1_000_000, 2_000_000, 3_000_000],
  ),
);
const HEAP = JSON.stringify({
  head: {
    callFrame: { functionName: '(root)', url: '', scriptId: '0', lineNumber: -1, columnNumber: -1 },
    selfSize: 0,
    id: 1,
    children: [
      {
        callFrame: { functionName: 'keep', url: 'file:///app/k.js', scriptId: '9', lineNumber: 3 },
        selfSize: 3 * 2 ** 20,
        id: 2,
      },
    ],
  },
});
const SPEEDSCOPE = JSON.stringify({
  $schema: 'https://www.speedscope.app/file-format-schema.json',
  shared: { frames: [{ name: 'main' }, { name: 'work' }] },
  profiles: [
    {
      type: 'sampled',
      name: 't',
      unit: 'seconds',
      startValue: 0,
      endValue: 7,
      samples: [[0], [0, 1]],
      weights: [3, 4],
    },
  ],
});

let browser: Browser;
test.before(async () => {
  browser = await startBrowser();
});
test.after.always(async () => browser?.close());

interface Opened {
  page: Page;
  url: string;
}

/** A test on the page of an empty collector. It fails for each error that the page logs. */
function importTest(
  title: string,
  body: (t: ExecutionContext, opened: Opened) => Promise<void>,
  dark = false,
): void {
  test.serial(title, async (t) => {
    const view = await openView(t, ['view', '--port', '0', '--no-open'], { cwd: temporaryFolder(t) });
    const context = await browser.newContext({
      locale: 'en-GB',
      timezoneId: 'UTC',
      colorScheme: dark ? 'dark' : 'light',
      viewport: { width: 1280, height: 800 },
    });
    const problems: string[] = [];
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(30_000);
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('request', (request) => {
        if (!request.url().startsWith(view.url)) problems.push(`asked ${request.url()}`);
      });
      await page.goto(view.url);
      await page.getByText('No profile has arrived yet').waitFor();
      await body(t, { page, url: view.url });
      t.deepEqual(problems, []);
    } finally {
      await context.close();
      await view.end();
    }
  });
}

type GivenFile = [name: string, content: string];

/** Drops files as a file manager does, or holds them over the page. */
async function drag(page: Page, files: GivenFile[], events: string[]): Promise<void> {
  await page.evaluate(
    ([given, types]) => {
      const dataTransfer = new DataTransfer();
      for (const [name, content] of given)
        dataTransfer.items.add(new File([content], name, { lastModified: Date.UTC(2026, 0, 15, 12) }));
      for (const type of types)
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    },
    [files, events] as const,
  );
}

const drop = (page: Page, ...files: GivenFile[]): Promise<void> =>
  drag(page, files, ['dragenter', 'dragover', 'drop']);

const total = async (page: Page): Promise<number> =>
  Number(((await page.locator('[data-total]').getAttribute('title')) ?? '').replace(/\D/g, ''));

importTest('a file that is dropped is shown, at its own time', async (t, { page }) => {
  await drag(page, [['a.cpuprofile', CPU]], ['dragenter', 'dragover']);
  await page.getByText('Drop profiles to show them').waitFor();
  await drag(page, [['a.cpuprofile', CPU]], ['drop']);
  await page.locator('[data-total]').waitFor();
  t.is(await page.getByText('Drop profiles to show them').count(), 0);
  t.is(await total(page), 6e9);
  t.is(new URL(page.url()).searchParams.get('service'), 'a.cpuprofile');
  t.is(new URL(page.url()).searchParams.get('to'), String(Date.UTC(2026, 0, 15, 12) + 1));
  t.is(await page.title(), 'a.cpuprofile · Everflame');
  await page.getByRole('tab', { name: 'Top table' }).click();
  await page.getByRole('row', { name: /main/ }).first().waitFor();
  await page.getByText(SCRIPT).first().waitFor();
  t.is(await page.locator('img').count(), 0, 'a name is a text');
  await page.getByRole('tab', { name: 'Timeline' }).click();
  await page.getByText('JavaScript thread').first().waitFor();
  // The address shows it again.
  await page.reload();
  await page.getByText('JavaScript thread').first().waitFor();
  t.is(await page.locator('.file-list').count(), 0);
});

importTest('of stacks that tell no time none is said', async (t, { page }) => {
  await drop(page, ['a.folded', 'main;work 3\nmain 4\n']);
  await page.locator('.foot').getByText('2 nodes').waitFor();
  t.notRegex(await page.locator('.foot').innerText(), /profiles/);
});

importTest('several files, of which one is none', async (t, { page }) => {
  await drop(
    page,
    ['bad.json', '{"nodes": ['],
    ['mem.heapprofile', HEAP],
    ['s.json', SPEEDSCOPE],
    ['st.txt', 'main;work 12'],
  );
  const list = page.getByRole('region', { name: 'Opened files' });
  await list
    .getByText(
      'bad.json cannot be shown: read as JSON, it ends in the middle, at character 11: it was not written or copied whole. ' +
        'Accepted are pprof, .cpuprofile and .heapprofile of V8, speedscope JSON and collapsed stacks, plain or compressed with gzip.',
    )
    .waitFor();
  await page.getByRole('heading', { name: 'Opened files' }).waitFor();
  t.is(await total(page), 3 * 2 ** 20, 'the first that can be shown');
  await list.getByText('Live heap 3 MiB').waitFor();
  await list.getByRole('button', { name: 's.json' }).click();
  await page.waitForFunction(() => document.title.startsWith('s.json'));
  await page.locator('[data-total][title="7,000,000,000 ns"]').waitFor();
  await list.getByRole('button', { name: 'st.txt' }).click();
  await page.locator('[data-total][title="12"]').waitFor();
  await drop(page, ['again.txt', 'main;work 12']);
  await list.getByText('is the same as again.txt, and was shown already').waitFor();
  await list.getByRole('button', { name: 'Close the list' }).click();
  t.is(await list.count(), 0);
  await page.goBack();
  await page.locator('[data-total]').waitFor();
  const services = page.getByLabel('Service');
  t.deepEqual((await services.locator('option').allTextContents()).sort(), [
    'mem.heapprofile',
    's.json',
    'st.txt',
  ]);
});

importTest('files are chosen by keys alone', async (t, { page }) => {
  const wanted = [12, 13].map((count) => Buffer.from(`main;work ${count}`));
  // One listener for all: each that comes and goes turns the browser's own dialogue off and on, while the next key is on its way.
  page.on('filechooser', (chooser) => {
    const buffer = wanted.shift() as Buffer;
    void chooser.setFiles([{ name: 'st.txt', mimeType: 'text/plain', buffer }]);
  });
  // It turns the browser's own dialogue off by itself, and a key that comes before that is in vain.
  await page.evaluate(() => undefined);
  await page.keyboard.press('u');
  await page.locator('[data-total][title="12"]').waitFor();
  await page.getByRole('button', { name: 'Open profile files' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-total][title="13"]').waitFor();
  t.is(new URL(page.url()).searchParams.get('service'), 'st.txt (2)');
});

importTest('what is larger than the collector takes is not sent', async (t, { page, url }) => {
  t.is(MOST_BYTES, LIMITS.bodyBytes);
  const sent: string[] = [];
  page.on('request', (request) => sent.push(request.url()));
  await page.evaluate((bytes) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([new Uint8Array(bytes + 1)], 'large.cpuprofile'));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, MOST_BYTES);
  await page
    .getByText(
      'large.cpuprofile has more than 64 MiB. Show it with "everflame view <file>", or compress it with gzip.',
    )
    .waitFor();
  t.deepEqual(
    sent.filter((address) => address.startsWith(`${url}/api/v1/import`)),
    [],
  );
});

importTest(
  'a file on its way shows how far it is, and a collector that ends is told',
  async (_t, { page }) => {
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    await page.route('**/api/v1/import*', async (route) => {
      await held;
      await route.abort();
    });
    await drop(page, ['a.cpuprofile', CPU]);
    const list = page.getByRole('region', { name: 'Opened files' });
    await list.getByRole('progressbar', { name: 'Progress of a.cpuprofile' }).waitFor();
    await list.getByRole('heading', { name: 'Opening files' }).waitFor();
    go();
    await list.getByText(/a\.cpuprofile could not be sent\. Check that it can still be read/).waitFor();
  },
);

for (const dark of [false, true])
  importTest(
    `nothing is unnamed, unreachable or too faint, ${dark ? 'dark' : 'light'}`,
    async (t, { page }) => {
      const check = async (): Promise<void> => {
        const violations = await page.evaluate(async () => {
          // biome-ignore lint/suspicious/noExplicitAny: axe puts itself there without a type
          const results = await (globalThis as any).axe.run(document, { resultTypes: ['violations'] });
          return results.violations.map(
            (one: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
              `${one.id}: ${one.nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join(' | ')}`,
          );
        });
        t.deepEqual(violations, []);
      };
      await page.evaluate(AXE);
      await check();
      await drag(page, [['a', CPU]], ['dragenter', 'dragover']);
      await page.getByText('Drop profiles to show them').waitFor();
      const folder = process.env.EVERFLAME_PICTURES;
      const picture = async (name: string): Promise<void> => {
        if (folder !== undefined)
          await page.screenshot({ path: join(folder, `${name}-${dark ? 'dark' : 'light'}.png`) });
      };
      await picture('drop');
      await check();
      await drop(page, ['bad.json', '{'], ['a.cpuprofile', CPU], ['st.txt', 'main;work 12']);
      await page.getByRole('heading', { name: 'Opened files' }).waitFor();
      await page.locator('.answer[aria-busy=false]').first().waitFor();
      await picture('list');
      await check();
    },
    dark,
  );
