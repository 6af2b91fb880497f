import { isNumber } from './json';
import { NotImportable, shown } from './not-importable';
import type { Run, Section } from './speedscope';
import { checkDepth, FrameCount } from './speedscope-frames';

/** What a sampled profile says: a stack each, with its weight. Neighbours that are the same are one. */
export function readSamples({ profile, frames, where }: Section): Run[] {
  const { samples, weights } = profile;
  if (!Array.isArray(samples) || !Array.isArray(weights))
    throw new NotImportable(`${where} is sampled and has no lists of samples and weights`);
  if (samples.length !== weights.length)
    throw new NotImportable(`${where} has ${samples.length} samples and ${weights.length} weights`);
  const runs: Run[] = [];
  const count = new FrameCount();
  let from = 0;
  samples.forEach((stack: unknown, index) => {
    const which = `sample ${index + 1} of ${samples.length} in ${where}`;
    const weight: unknown = weights[index];
    if (!isNumber(weight) || weight < 0) throw new NotImportable(`${which} weighs ${shown(weight)}`);
    if (!Array.isArray(stack)) throw new NotImportable(`${which} is no list of frames`);
    checkDepth(stack.length, which);
    const to = from + weight;
    const last = runs.at(-1);
    if (last && last.to === from && isSame(last.stack, stack)) last.to = to;
    else {
      count.add(stack.length);
      runs.push({ stack: stack.map((frame: unknown) => frames.placeOf(frame, which)), from, to });
    }
    from = to;
  });
  return runs;
}

function isSame(a: readonly number[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((frame, index) => frame === b[index]);
}
