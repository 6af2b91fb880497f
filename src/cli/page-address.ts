import { networkInterfaces } from 'node:os';
import type { Collector } from '../collector/collector';

/**
 * Where a collector's page is, with what it shows first, and with the token where one is needed: the browser gets it once, and the
 * page keeps it.
 */
export function pageAddress(
  { addresses: [address = ''], token }: Collector,
  view: Record<string, string> = {},
): string {
  const query = new URLSearchParams({ ...(token === undefined ? {} : { token }), ...view }).toString();
  return `${reachable(address)}${query === '' ? '' : `/?${query}`}`;
}

/** Nobody can ask for the address that stands for all of a machine: one of them is named instead. */
function reachable(address: string): string {
  const url = new URL(address);
  if (url.hostname !== '0.0.0.0' && url.hostname !== '[::]') return address;
  const others = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const outside = others.find(({ family, internal }) => family === 'IPv4' && !internal);
  return `http://${outside?.address ?? '127.0.0.1'}:${url.port}`;
}
