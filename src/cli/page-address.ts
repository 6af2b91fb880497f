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
  return query === '' ? address : `${address}/?${query}`;
}
