import { join } from 'node:path';
import { launchBrowser, SIGNALS_TO_SCRIPT } from '../setup/launch-browser.mjs';

/** As wide as a document shows it, and as high as a reader of one wants to see. */
const VIEWPORT = { width: 1280, height: 640 };
const LIMIT_MILLISECONDS = 30_000;
const DRAWN = '.panel canvas';

/**
 * The pictures, in the order of docs/getting-started.md: the file, what the address adds to that of the range, and what must be there
 * before the page is whole. Those of `before` show the first run and are taken at its end, the others show both.
 */
const SHOTS = [
  { file: 'top.png', run: 'before', query: { tab: 'top' }, waitFor: '.table-row >> text=findAuthor' },
  {
    file: 'sandwich.png',
    run: 'before',
    query: { tab: 'sandwich', function: 'findAuthor' },
    waitFor: '[data-sandwich-total]',
  },
  // Of itself the page opens the file of the service's own that costs most.
  {
    file: 'source.png',
    run: 'before',
    query: { tab: 'source' },
    waitFor: '.source .table-row >> text=findAuthor',
  },
  {
    file: 'compare.png',
    run: 'both',
    query: { tab: 'compare', against: 'version', layout: 'table' },
    waitFor: '[data-change]',
  },
];

/** A browser that takes pictures of the page into a folder. */
export class Camera {
  #chromium;
  #folder;

  static async open(browser, folder) {
    const camera = new Camera();
    camera.#chromium = await launchBrowser(browser, {}, SIGNALS_TO_SCRIPT);
    camera.#folder = folder;
    return camera;
  }

  /** Takes a picture of what is at an address, once `waitFor` is there. */
  async take(file, address, waitFor) {
    const tab = await this.#chromium.newPage({ viewport: VIEWPORT, colorScheme: 'dark', locale: 'en-GB' });
    tab.setDefaultTimeout(LIMIT_MILLISECONDS);
    await tab.goto(address);
    await tab.locator(waitFor).first().waitFor();
    await tab.screenshot({ path: join(this.#folder, file) });
    await tab.close();
  }

  /** The live page, while the service runs. */
  async takeLive(page) {
    await this.take('live.png', page, DRAWN);
  }

  /** The pictures that show `run`, of a selection. */
  async takeOf(run, page, selection) {
    for (const { file, query, waitFor } of SHOTS.filter((shot) => shot.run === run)) {
      const url = new URL('/', page);
      url.search = new URLSearchParams({ ...selection, ...query }).toString();
      await this.take(file, url.href, waitFor);
    }
  }

  async close() {
    await this.#chromium.close();
  }
}
