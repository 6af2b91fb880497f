import { EverflameError } from '../../engine';

/** Who sends, for a receiver that asks. */
export interface Credentials {
  authToken?: string;
  basicAuthUser?: string;
  basicAuthPassword?: string;
}

/**
 * The `Authorization` header for a token or, without one, for a user and password; undefined without either. Throws an
 * EverflameError for a token that cannot be in a header.
 */
export function authorization({
  authToken,
  basicAuthUser,
  basicAuthPassword,
}: Credentials): string | undefined {
  if (authToken) {
    // Such as a line's end of the file that it was read from.
    if (!/^[\x21-\x7e]+$/.test(authToken)) {
      throw new EverflameError(
        'BAD_TOKEN',
        'the token has characters that no token has, such as a space or the end of a line. Copy it anew',
      );
    }
    return `Bearer ${authToken}`;
  }
  if (!basicAuthUser) return undefined;
  const pair = `${basicAuthUser}:${basicAuthPassword ?? ''}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
