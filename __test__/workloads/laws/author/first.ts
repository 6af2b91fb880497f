/** Types and comments are not in what runs, so lines and columns are others there. */
export interface Rounds {
  readonly many: number;
}

export function work({ many }: Rounds): number {
  let sum = 0;
  for (let i = 0; i < many; i++) {
    sum += Math.sqrt(i * 3) / (i + 1); // burns
  }
  return sum;
}
