/** A report in a browser without a network, beside the page of the collector that it was made from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { FolderStore } from '#src/collector/native-store.js';
import { Logger } from '#src/log.js';
import { encodeProfile, type GivenFrame, type GivenSample } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { CLI, run } from '../support/spawn.js';
import { openView, type View } from '../support/view.js';
import { startBrowser } from '../support/viewer/browser.js';

let browser: Browser;
test.before(async () => {
  browser = await startBrowser();
});
test.after.always(async () => browser?.close());

const SECOND = 1_000_000_000n;
const MS = 1_000_000;
const TYPES: [string, string][] = [
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];
const MARKUP = '</script><img src=x onerror="document.title=\'taken\'">';

const main: GivenFrame = { name: 'main', file: '/srv/shop/main.js', line: 9, startLine: 1 };
const cart: GivenFrame = { name: 'renderCart', file: '/srv/shop/cart.js', line: 41, startLine: 40 };
const next: GivenFrame = {
  name: 'next',
  file: '/srv/shop/node_modules/router/index.js',
  line: 7,
  startLine: 5,
};
const nasty: GivenFrame = { name: MARKUP, file: `/srv/shop/${MARKUP}.js`, line: 2, startLine: 1 };
const pool: GivenFrame = { name: 'worker', module: '/usr/bin/node' };

/** A tenth of a second each; `cpu` in milliseconds, of `renderCart` scaled by a version's slowness. */
function samplesOf(start: bigint, slowness: number): GivenSample[] {
  const given: [stack: GivenFrame[], cpu: number, thread: string, endpoint?: string][] = [
    [[main, next, cart], 31 * slowness, 'Main Event Loop', 'GET /cart'],
    [[main, next, cart, cart], 17 * slowness, 'Main Event Loop', 'GET /cart'],
    [[main, nasty], 23, 'Main Event Loop', MARKUP],
    [[main, next], 11, 'Main Event Loop'],
    [[pool], 7, 'libuv-worker'],
  ];
  return Array.from({ length: 20 }, (_sample, index) => {
    const [stack, cpu, thread, endpoint] = given[index % given.length] as (typeof given)[number];
    return {
      stack,
      values: [100 * MS, cpu * MS],
      thread,
      labels: {
        ...(endpoint !== undefined && { 'trace endpoint': endpoint }),
        end_timestamp_ns: start + (BigInt(index + 1) * SECOND) / 10n,
      },
    };
  });
}

const PER_PROFILE = 4 * (31 + 17 + 23 + 11 + 7) * MS;

interface Opened {
  view: View;
  /** Parameters of the range that has everything. */
  range: string;
  folder: string;
  context: BrowserContext;
  problems: string[];
}

/** A collector over profiles of two versions, and a browser. */
async function open(t: ExecutionContext): Promise<Opened> {
  const folder = temporaryFolder(t);
  const start = BigInt(Date.now() - 600_000) * 1_000_000n;
  const store = FolderStore.open(join(folder, 'kept'), new Logger('error'));
  await store.ingest(
    ['1.4.0', '1.5.0'].flatMap((version, index) =>
      [0n, 2n, 4n].map((after) => {
        const own = start + (after + BigInt(index) * 6n) * SECOND;
        return {
          service: MARKUP,
          tags: [
            ['version', version],
            ['runtime-id', `id-${index}`],
          ] as [string, string][],
          start: own,
          end: own + 2n * SECOND,
          client: 'test',
          profiles: [
            {
              name: 'wall.pprof',
              format: 'pprof' as const,
              data: encodeProfile(TYPES, samplesOf(own, 1 + index)),
            },
          ],
        };
      }),
    ),
  );
  await store.close();
  const view = await openView(t, ['view', '--store', 'kept', '--port', '0', '--no-open'], { cwd: folder });
  const from = Number(start / 1_000_000n);
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', acceptDownloads: true });
  t.teardown(() => context.close());
  const range = new URLSearchParams({ service: MARKUP, from: String(from), to: String(from + 12_000) });
  return { view, range: range.toString(), folder, context, problems: [] };
}

/** A page whose errors, broken policies and questions to somebody else are noted. */
async function newPage({ context, problems }: Opened, allowed: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(allowed)) problems.push(`asked ${request.url()}`);
  });
  return page;
}

/** A report as the page's own button gives it, opened as a file with the network off. */
async function openReport(t: ExecutionContext, opened: Opened, button: string): Promise<Page> {
  const { view, range, folder, context } = opened;
  const page = await newPage(opened, view.url);
  await page.goto(`${view.url}/?${range}&tab=profiles`);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: button, exact: true }).click(),
  ]);
  t.regex(download.suggestedFilename(), /^[\w.-]+\.html$/);
  const file = join(folder, 'report.html');
  await download.saveAs(file);
  await page.close();
  const report = await newPage(opened, pathToFileURL(file).href);
  await context.setOffline(true);
  await report.goto(pathToFileURL(file).href);
  await report.locator('[data-report]').waitFor();
  return report;
}

/** All that a view says, when it has its answer. */
async function textOf(page: Page, ready: string): Promise<string> {
  await page.locator(`#panel ${ready}`).first().waitFor();
  await page.waitForFunction(
    () =>
      !document.querySelector('[aria-busy=true]') &&
      !/Adding up|Asking the collector/.test(document.body.innerText),
  );
  return `${await page.locator('[data-total]').getAttribute('title')}\n${await page.locator('#panel').innerText()}`;
}

/** What is said, in an order that does not hang on that of equal figures, without what a collector alone has: sides to compare, counts of requests, and source. */
function linesOf(text = ''): string[] {
  const lines = text
    .split('\n')
    .filter((line) => line !== 'time' && line !== 'profile or file' && line !== 'Source')
    .filter((line) => !line.includes('counts of requests'));
  return lines.sort();
}

/** Views by their address, and what there is in them once they are whole. */
const VIEWS: [address: string, ready: string][] = [
  ['tab=flame&beside=1', '.table-row'],
  ['tab=flame&beside=1&frames=line&shape=flame', '.table-row'],
  ['tab=top', '.table-row'],
  ['tab=top&type=wall', '.table-row'],
  ['tab=tree&frames=line', '.table-row'],
  ['tab=sandwich&function=renderCart&file=/srv/shop/cart.js', '[data-sandwich-total]'],
  ['tab=timeline', 'canvas'],
  ['tab=threads', '[data-sum]'],
  ['tab=endpoints', '[data-sum]'],
  ['tab=packages', 'tbody tr'],
  ['tab=labels&by=version', '[data-sum]'],
  ['tab=compare&against=version&layout=table', 'tbody tr'],
  ['tab=top&where=trace+endpoint:GET+/cart', '.table-row'],
  ['tab=threads&where=!version:1.4.0', '[data-sum]'],
  ['tab=timeline&where=version:1.5.0', 'canvas'],
];

test.serial('each view of a report has the figures of the collector', async (t) => {
  const opened = await open(t);
  const texts = new Map<string, string>();
  const page = await newPage(opened, opened.view.url);
  for (const [address, ready] of VIEWS) {
    await page.goto(`${opened.view.url}/?${opened.range}&${address}`);
    texts.set(address, await textOf(page, ready));
  }
  await page.close();
  const report = await openReport(t, opened, 'Export HTML');
  const file = report.url();
  for (const [address, ready] of VIEWS) {
    await report.goto('about:blank');
    await report.goto(`${file}#${address}`);
    t.deepEqual(linesOf(await textOf(report, ready)), linesOf(texts.get(address)), address);
  }
  t.is(
    texts.get('tab=top')?.split('\n')[0],
    `${(3 * (2 * PER_PROFILE + 4 * (31 + 17) * MS)).toLocaleString('en')} ns`,
  );
  t.not(await report.title(), 'taken');
  t.deepEqual(opened.problems, []);
  await opened.view.end();
});

test.serial('what needs a collector is not in a report', async (t) => {
  const opened = await open(t);
  const report = await openReport(t, opened, 'Export HTML');
  t.deepEqual(await report.getByRole('tab').allInnerTexts(), [
    'Flame graph',
    'Top table',
    'Call tree',
    'Sandwich',
    'Compare',
    'Timeline',
    'Threads',
    'Endpoints',
    'Packages',
    'Labels',
    'Profiles',
  ]);
  for (const name of ['Live', 'Refresh']) t.is(await report.getByRole('button', { name }).count(), 0, name);
  t.is(await report.getByRole('radiogroup', { name: 'Window of time' }).count(), 0);
  await report.getByRole('tab', { name: 'Profiles' }).click();
  await report.locator('#panel tbody tr').nth(5).waitFor();
  t.is(await report.locator('#panel tbody tr').count(), 6);
  t.is(await report.locator('#panel a').count(), 0);
  await report.getByRole('tab', { name: 'Compare' }).click();
  await report.locator('[data-side=a]').waitFor();
  t.deepEqual(await report.getByLabel('Compare by').locator('option').allInnerTexts(), [
    'version',
    'trace endpoint',
    'thread name',
    'runtime-id',
  ]);
  t.is(await report.getByLabel('Compare by').inputValue(), 'version');
  // Keys and a drag that choose another time do nothing.
  const before = report.url();
  await report.keyboard.press(']');
  await report.keyboard.press('l');
  const box = await report.locator('.strip-plot .u-over').boundingBox();
  if (!box) throw new Error('there is no strip');
  await report.mouse.move(box.x + 50, box.y + 20);
  await report.mouse.down();
  await report.mouse.move(box.x + 250, box.y + 20, { steps: 4 });
  await report.mouse.up();
  t.is(report.url(), before);
  t.deepEqual(opened.problems, []);
  await opened.view.end();
});

test.serial('a report keeps its state in the address, and filters by what it has', async (t) => {
  const opened = await open(t);
  const report = await openReport(t, opened, 'Export HTML');
  await report.getByRole('tab', { name: 'Threads' }).click();
  await report.getByRole('button', { name: 'libuv-worker' }).click();
  await report.locator(`[data-total][title="${(6 * 4 * 7 * MS).toLocaleString('en')} ns"]`).waitFor();
  t.regex(report.url(), /#where=thread\+name%3Alibuv-worker&tab=threads$/);
  await report.locator('.strip', { hasText: 'without the filters' }).waitFor();
  await report.reload();
  await report.locator('.chip').waitFor();
  await report.goBack();
  await report.waitForFunction(() => !document.querySelector('.chip'));
  t.deepEqual(opened.problems, []);
  await opened.view.end();
});

test.serial('a stripped report shows the same sums under other names', async (t) => {
  const opened = await open(t);
  const report = await openReport(t, opened, 'Export HTML, stripped');
  await report.locator('[data-report]', { hasText: 'without folders and label values' }).waitFor();
  await report.getByRole('tab', { name: 'Endpoints' }).click();
  await report.locator('[data-sum]').waitFor();
  const rows = await report.locator('#panel tbody tr').allInnerTexts();
  t.deepEqual(rows.map((row) => row.split(/\s/)[0]).sort(), ['#1', '#2', '(outside']);
  await report.getByRole('tab', { name: 'Top table' }).click();
  await report.locator('.table-row').first().waitFor();
  const text = await report.locator('#panel').innerText();
  t.false(text.includes('/srv'));
  t.true(text.includes('cart.js:40'));
  t.false(readFileSync(join(opened.folder, 'report.html'), 'utf8').includes('/srv'));
  t.deepEqual(opened.problems, []);
  await opened.view.end();
});

test.serial('a damaged report says so, and nothing else', async (t) => {
  const opened = await open(t);
  const { code, stderr } = await run(
    process.execPath,
    [CLI, 'export', '--store', 'kept', '-o', 'whole.html'],
    { cwd: opened.folder },
  );
  t.is(code, 0, stderr);
  const whole = readFileSync(join(opened.folder, 'whole.html'), 'utf8');
  for (const id of ['everflame-page', 'everflame-samples']) {
    const page = await opened.context.newPage();
    const at = whole.indexOf('>', whole.indexOf(`id="${id}"`)) + 1;
    await page.setContent(`${whole.slice(0, at)}AAAA${whole.slice(at + 4)}`);
    await page.getByText(/This report cannot be shown: the file is damaged/).waitFor();
    await page.close();
  }
  t.pass();
  await opened.view.end();
});
