import { publicAddress } from '../../config/plain-text';
import { EverflameError } from '../../engine';

/** A receiver's address, taken apart. */
export interface Address {
  /** Protocol, host, port and path, without a slash at the end. */
  base: string;
  /** The query with its question mark, or an empty string. */
  query: string;
  /** User and password in the address, which are no part of `base`. */
  user: string;
  password: string;
}

/** Reads an address that somebody has set. Throws an EverflameError where it is none; `setting` is its name there. */
export function parseAddress(text: string, setting: string): Address {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw bad(setting, text, error);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw bad(setting, text);
  return {
    base: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    query: url.search,
    user: decode(url.username),
    password: decode(url.password),
  };
}

function bad(setting: string, text: string, cause?: unknown): EverflameError {
  return new EverflameError(
    'BAD_ADDRESS',
    `${setting} is "${publicAddress(text)}", which is no address of a server. Write it as http://host:port or https://host`,
    { cause },
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that belongs to the password.
    return text;
  }
}
