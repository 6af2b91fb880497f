/** Chances that fall the same way for the same seed. */
export function dice(seed: number) {
  let state = (seed * 2654435761 + 1) >>> 0;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  // The first few of neighbouring seeds are alike.
  for (let warm = 0; warm < 8; warm++) next();
  const below = (limit: number) => Math.floor(next() * limit);
  const one = <Item>(items: readonly Item[]) => items[below(items.length)] as Item;
  return {
    /** A whole number from 0 up to, but not, `limit`. */
    below,
    one,
    /** Nothing, every second time. */
    maybe: <Item>(make: () => Item): Item | undefined => (below(2) ? make() : undefined),
    /** Some of a list, none of them or one more than once, too. */
    some: <Item>(items: readonly Item[]) => Array.from({ length: below(4) }, () => one(items)),
  };
}
