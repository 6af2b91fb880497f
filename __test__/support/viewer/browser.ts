import { chromium } from 'playwright-core';
import { installBrowser } from '../../../scripts/setup/browser.mjs';

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

/** Starts the Chromium that {@link installBrowser} finds. `env` is added to its environment. */
export async function startBrowser(env: Record<string, string> = {}) {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return chromium.launch({
    executablePath: await installBrowser(),
    args: FLAGS,
    env: { ...Object.fromEntries(own), ...env },
  });
}
