import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Refusal } from './refusal';
import type { Token } from './token';

/** Who may ask over TCP. Of a Unix socket the rights of its file say so, and no browser can use it. */
export interface Doors {
  /** Names by which the collector is reached, beside those of this machine itself; in lower case. */
  names: readonly string[];
  /** Set where it listens beyond this machine. */
  token: Token | undefined;
}

/**
 * Refuses a request that comes from a page of somebody else's. By its Host: a foreign name that was made to lead here (DNS
 * rebinding) gives its page the right to read. By Origin and Sec-Fetch-Site: any page may send a request here, unread. The latter
 * also tells another port of the same machine from this one, which is the same site and not the same origin.
 */
export function checkSource(request: IncomingMessage, { names, token }: Doors): void {
  const host = request.headers.host ?? '';
  const name = hostName(host);
  // An address as a literal cannot be made to lead elsewhere; beyond this machine any of its own may be meant.
  const isOwn =
    isThisMachine(name) || (name !== '' && names.includes(name)) || (token !== undefined && isIP(name) !== 0);
  if (!isOwn) {
    throw new Refusal(
      403,
      `the host ${JSON.stringify(host.slice(0, 100))} is not this collector's. Ask by 127.0.0.1 or localhost, or allow the name with --name where everflame view is started.`,
      'host',
    );
  }
}

/** As `checkSource`, for what changes something and for answers that are nobody else's. */
export function checkOrigin(request: IncomingMessage): void {
  const { origin, host = '', 'sec-fetch-site': site } = request.headers;
  const isForeign = origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`;
  const isCrossing = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (isForeign || isCrossing) {
    throw new Refusal(
      403,
      'this request comes from another page, which may not ask this collector. Ask from its own page, or from a program.',
      'origin',
    );
  }
}

/** Refuses a request without the token, where there is one. */
export function checkToken(request: IncomingMessage, { token }: Doors): void {
  if (token === undefined || token.isIn(request.headers)) return;
  throw new Refusal(
    403,
    'the token is missing or wrong. Open the address that was printed at the start, with its ?token=, or send Authorization: Bearer <token>.',
    'token',
  );
}

/** A Host without its port: a name in lower case, or an address. Empty where it is neither. */
function hostName(host: string): string {
  const [, literal, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host) ?? [];
  return (literal ?? name ?? '').toLowerCase();
}

function isThisMachine(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}
