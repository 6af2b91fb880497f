/**
 * A seeded generator of numbers in [0, 1), so that every run has the same catalogue and the same load.
 * @param {number} seed any integer
 */
export function seededRandom(seed) {
  let state = (seed | 0) ^ 0x2545f491 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** Picks one entry of a list. */
export function pick(random, list) {
  return list[Math.floor(random() * list.length)];
}
