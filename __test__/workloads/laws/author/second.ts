import type { Rounds } from './first.js';

/** Of the same name as another function, and in a bundle beside it. */
export function work({ many }: Rounds): number {
  let product = 1;
  for (let i = 0; i < many; i++) {
    product = Math.abs(product * 3 - i) % 1000; // burns
  }
  return product;
}
