/**
 * Whether a frame tells nothing of what ran: no name at all, `[unknown]`, or an address alone. `library.so+0x1234`, as a
 * function of a stripped library is called, tells where it is and can be looked up.
 */
export function isNameless(name: string): boolean {
  return /^(\[unknown\]|0x[0-9a-f]+)?$/i.test(name);
}
