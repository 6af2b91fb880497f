/**
 * Flags for a machine without a network or a GPU, and for root: nothing is to be fetched beside the page, and a sandbox
 * is not to be had there.
 */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** For a script that has more to end than the browser: it goes with the script, however that ends. */
export const SIGNALS_TO_SCRIPT = { handleSIGHUP: false, handleSIGINT: false, handleSIGTERM: false };

/**
 * Starts a Chromium without a window.
 * @param {string} path as `installBrowser` names it
 * @param {Record<string, string>} [env] is added to its environment
 * @param {{ handleSIGHUP?: boolean, handleSIGINT?: boolean, handleSIGTERM?: boolean }} [options] whether a signal ends the browser,
 *   and with it this process
 */
export async function launchBrowser(path, env = {}, options = {}) {
  // Not above: a script that installs it begins without it.
  const { chromium } = await import('playwright-core');
  const own = Object.entries(process.env).filter(([, value]) => value !== undefined);
  return chromium.launch({
    ...options,
    executablePath: path,
    args: FLAGS,
    env: { ...Object.fromEntries(own), ...env },
  });
}
