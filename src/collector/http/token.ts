import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { EverflameError } from '../../engine';

const BYTES = 18;
/** Of 128 bits in base64. */
const LEAST_CHARACTERS = 22;

/** The secret of a collector that listens beyond this machine. */
export class Token {
  private readonly digest: Buffer;
  /** Its name in browsers, which give a cookie to every port of a host: another collector's token has another one. */
  private readonly cookie: string;

  /** Throws an EverflameError for one that could be guessed or is not fit for a header. */
  constructor(private readonly text: string) {
    if (!/^[\w.~-]+$/.test(text) || text.length < LEAST_CHARACTERS) {
      throw new EverflameError(
        'BAD_TOKEN',
        `the token must have at least ${LEAST_CHARACTERS} letters, digits and signs of - _ . ~, so that nobody guesses it. Leave it out, and one is made`,
      );
    }
    this.digest = digestOf(text);
    this.cookie = `everflame-${digestOf(`name of ${text}`).toString('hex').slice(0, 8)}`;
  }

  /** Whether it is this; how much of it is right cannot be told from the time that takes. */
  is(text: string): boolean {
    return timingSafeEqual(digestOf(text), this.digest);
  }

  /** Whether a request has it, as a bearer's or in the cookie. */
  isIn({ authorization, cookie }: IncomingHttpHeaders): boolean {
    const bearer = /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1];
    if (bearer !== undefined) return this.is(bearer);
    return (cookie ?? '')
      .split(';')
      .map((pair) => pair.trim().split('='))
      .some(([name, value = '']) => name === this.cookie && this.is(value));
  }

  /** The header that gives it to a browser, and to no script in it. */
  get setCookie(): string {
    return `${this.cookie}=${this.text}; Path=/; HttpOnly; SameSite=Strict`;
  }
}

/** A new one, of 144 bits. */
export function makeToken(): string {
  return randomBytes(BYTES).toString('base64url');
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
