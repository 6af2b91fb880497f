import { installBrowser } from '../setup/browser.mjs';
import { buildNative, buildTypeScript, buildViewer, installDependencies } from '../setup/build.mjs';
import { Advice, EXAMPLE, ROOT } from '../setup/commands.mjs';
import { withLock } from '../setup/lock.mjs';
import { step } from '../setup/progress.mjs';
import { checkTools } from '../setup/tools.mjs';

/**
 * Installs and builds what is missing or older than its sources. Two demos that begin at once do it one after the other.
 * @throws {Advice} saying what is needed first
 */
export async function prepare() {
  if (process.platform !== 'linux') {
    throw new Advice('The demo shows the native sampler, which exists for Linux; see docs/platforms.md.');
  }
  await checkTools();
  const onWait = () => console.log('Another demo sets this checkout up; waiting for it …');
  await withLock(
    `${ROOT}demo`,
    async () => {
      await step('Installing dependencies', async () => {
        await installDependencies(ROOT);
        await installDependencies(EXAMPLE);
      });
      await step('Building (some minutes the first time)', async () => {
        await buildNative();
        await buildTypeScript();
        await buildViewer();
      });
    },
    onWait,
  );
}

/**
 * The Chromium in which the page is looked at, or why there is none: of a reader who wants the demo no browser is asked.
 * @returns {Promise<{ path: string } | { problem: string }>}
 */
export async function findBrowser() {
  try {
    return { path: await step('Setting up a browser', installBrowser) };
  } catch (error) {
    if (error instanceof Advice) return { problem: error.message };
    throw error;
  }
}
