/** What stands for a secret in the spool, with the mark of the account behind it. */
const HIDDEN = /(?:^|=)hidden-([0-9a-f]{6})$/;

/**
 * A mark by which the accounts of one receiver are told apart: 24 bits of a hash (FNV-1a) of the key, the token, the headers or the
 * user. Of a key of 128 bits that tells nothing. What has been hidden has the mark that it had before.
 */
export function accountOf(secret: string | undefined): string | undefined {
  const text = secret?.trim();
  if (!text) return undefined;
  const known = HIDDEN.exec(text)?.[1];
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 8).toString(16).padStart(6, '0');
}
