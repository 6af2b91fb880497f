import wideCode from '../inside/wide-code.cjs';

/** Large generated code: 2,000 functions, stacks of more than thirty frames, hardly two samples alike. */
let seed = 1;

export async function step() {
  let sum = 0;
  for (let call = 0; call < 100; call += 1) {
    seed = (seed * 48271) % 2147483647;
    sum += wideCode.walk(seed);
  }
  return sum;
}
