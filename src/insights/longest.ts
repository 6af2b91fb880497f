import type { Moments } from './moments';
import type { Frame } from './stacks';

/** The longest time, in milliseconds, in which all samples of a thread have a frame that passes. 0 where there are no samples. */
export function longest(
  { frames, parent, frame, samples }: Moments,
  test: (frame: Frame) => boolean,
): number {
  const passing = Uint8Array.from(frames, (one) => Number(test(one)));
  const has = new Uint8Array(parent.length);
  for (let node = 1; node < parent.length; node++)
    has[node] = (has[parent[node] as number] as number) | (passing[frame[node] as number] as number);
  let [most, run, lane] = [0, 0, -1];
  for (const sample of samples) {
    if (!has[sample.node] || sample.lane !== lane) run = 0;
    lane = sample.lane;
    if (!has[sample.node]) continue;
    run += sample.cpu || sample.wall;
    most = Math.max(most, run);
  }
  return most;
}
