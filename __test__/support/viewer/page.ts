import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { startBrowser } from './browser.js';
import { hourOfProfiles, MINUTE } from './samples.js';
import { type PageServer, servePage } from './server.js';

const BUILT = join(__dirname, '..', '..', '..', 'dist', 'viewer');

/** The end of the fixture's hour, and the address of a page that shows it. */
export const END = Date.UTC(2026, 0, 15, 12);
export const HOUR = `service=shop&from=${END - 60 * MINUTE}&to=${END}`;

/** What a test of the page has at hand. */
export interface Opened {
  page: Page;
  server: PageServer;
  /** Goes to the page with another query. */
  go(query: string): Promise<void>;
}

export interface Settings {
  /** Says, when the test begins, when the last profile of the fixture ends. */
  end?: () => number;
  dark?: boolean;
  width?: number;
  height?: number;
}

let browser: Browser;
test.before(async () => {
  if (!existsSync(BUILT)) throw new Error('The page is not built. Run "npm run build:viewer" first.');
  browser = await startBrowser();
});
test.after.always(async () => browser?.close());

/**
 * A test of the page in a browser, with a server of its own. It fails too when the page logs an error, breaks its content
 * security policy, or asks anybody but its server.
 * @param query of the page's address
 */
export function pageTest(
  title: string,
  query: string,
  body: (t: ExecutionContext, opened: Opened) => Promise<void>,
  { end = () => END, dark = false, width = 1280, height = 800 }: Settings = {},
): void {
  test.serial(title, async (t) => {
    const server = await servePage(BUILT, hourOfProfiles(end()));
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      // Of the machine's own setting the browser may make no language that it knows.
      locale: 'en-GB',
      timezoneId: 'UTC',
    });
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => {
        // The test that has the server refuse asks for that one.
        if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
          problems.push(message.text());
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(server.url)) problems.push(`asked ${request.url()}`);
      });
      const go = async (next: string) => {
        await page.goto(`${server.url}?${next}`);
      };
      await go(query);
      await body(t, { page, server, go });
      t.deepEqual(problems, []);
    } finally {
      await context.close();
      await server.close();
    }
  });
}

/** Waits until what is found has this text. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  const found = page.locator(selector);
  const wanted =
    typeof text === 'string'
      ? found.getByText(text, { exact: true }).or(found.filter({ hasText: text }))
      : found.filter({ hasText: text });
  await wanted.first().waitFor({ state: 'visible' });
}

/** Opens the menu of the node that is chosen in a graph, by its key. What is pressed before the graph listens goes nowhere. */
export async function openMenu(page: Page): Promise<void> {
  const graph = page.getByRole('application');
  const menu = page.getByRole('menu');
  await graph.waitFor();
  for (const limit = Date.now() + 10_000; Date.now() < limit && !(await menu.isVisible()); ) {
    await graph.press('Shift+F10');
    await menu.waitFor({ timeout: 1000 }).catch(() => undefined);
  }
  await menu.waitFor();
}
