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

/** Starts the Chromium that {@link installBrowser} finds. */
export async function startBrowser() {
  return chromium.launch({ executablePath: await installBrowser(), args: FLAGS });
}
