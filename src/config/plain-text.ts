/** Control characters, and halves of surrogate pairs, which have no UTF-8. */
const CONTROL = /\p{Cc}/gu;
const HALF_PAIR = /\p{Cs}/gu;

/** Text that may stand in a header, a tag or JSON: control characters become `_`, halves of surrogate pairs U+FFFD. */
export function plainText(text: string): string {
  return text.replace(CONTROL, '_').replace(HALF_PAIR, '\ufffd');
}

/** As it is shown in a warning: quoted, and cut where it is long. */
export function shown(text: string): string {
  const plain = plainText(text);
  return JSON.stringify(plain.length > 60 ? `${plain.slice(0, 60).replace(HALF_PAIR, '')}…` : plain);
}

/** A text that is one URL and nothing else. */
const WHOLE = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * Without the users, and their passwords, in URLs: all up to the last `@`, as a password may hold one, or a slash. Of a text that
 * is more than a URL, such as a list, up to the last one of a word. The path of a socket has no user.
 */
export function withoutUsers(text: string): string {
  const isWhole = WHOLE.test(text) && URL.canParse(text);
  const users = isWhole ? /(unix:)?\/\/.*@/gis : /(unix:)?\/\/[^\s,]*@/gi;
  return text.replace(users, (found, unix?: string) => (unix === undefined ? '//' : found));
}

/** Names of options and variables whose values are addresses. */
export const ADDRESS_NAME = /URL|ADDRESS|ENDPOINT|HOST|SITE|PROXY/i;

/**
 * An address as it may be shown and kept on a disk, also where it is none that can be used: without users and passwords, and without
 * query and fragment, in which a gateway may have its token.
 */
export function publicAddress(text: string): string {
  // The path of a socket has none of these.
  if (/^\s*unix:/i.test(text)) return text;
  const isUrl = /^\s*https?:\/\//i.test(text) && URL.canParse(text);
  const address = isUrl ? text.replace(/[?#].*$/s, '') : text;
  const scheme = /^\s*[a-z][a-z0-9+.-]*:\/\//i.exec(address)?.[0] ?? '';
  // Of a password with a question mark, or a query with an @: nobody knows which.
  if (/[?#].*@/s.test(address)) return `${scheme}…`;
  return `${scheme}${address
    .slice(scheme.length)
    .replace(/^.*@/s, '')
    .replace(/[?#].*$/s, '')}`;
}
