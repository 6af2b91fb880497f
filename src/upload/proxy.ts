/** The proxies that the environment names, as axios reads them. */

/** The variable that names a proxy for an address, if any. `NO_PROXY` may take the address out again. */
export function proxyVariable(url: URL): string | undefined {
  if (isHere(url)) return undefined;
  const scheme = url.protocol.slice(0, -1);
  const names = [`${scheme}_proxy`, 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);
  return names.find((name) => process.env[name]);
}

/** An address of this machine, for which none is used. */
export function isHere({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
