import type { Collector } from '../collector/collector';

/** Where a collector's page is, with the token where one is needed: the browser gets it once, and the page keeps it. */
export function pageAddress({ addresses, token }: Collector): string {
  const [address = ''] = addresses;
  return token === undefined ? address : `${address}/?token=${encodeURIComponent(token)}`;
}
