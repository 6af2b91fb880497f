import { spawn } from 'node:child_process';

/** What opens an address as a double click would. Without a shell: an address may have any characters. */
const OPENERS: Partial<Record<NodeJS.Platform, [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  linux: ['xdg-open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Opens an address where there is a display and somebody at a terminal. Where it cannot, the address stands in the terminal. */
export function openBrowser(address: string): void {
  const opener = OPENERS[process.platform];
  if (!opener || !process.stdout.isTTY || !hasDisplay()) return;
  const [command, ...args] = opener;
  const child = spawn(command, [...args, address], { stdio: 'ignore', detached: true });
  // There is no browser, or nothing that opens one.
  child.on('error', () => undefined);
  child.unref();
}

function hasDisplay(): boolean {
  if (process.platform !== 'linux') return true;
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}
