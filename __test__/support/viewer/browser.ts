import { installBrowser } from '../../../scripts/setup/browser.mjs';
import { launchBrowser } from '../../../scripts/setup/launch-browser.mjs';

/** Starts the Chromium that {@link installBrowser} finds. `env` is added to its environment. */
export async function startBrowser(env: Record<string, string> = {}) {
  return launchBrowser(await installBrowser(), env);
}
