/** What runs in a frame, as far as the profile tells. */
export type FrameKind = 'app' | 'package' | 'node' | 'native' | 'gc';

/** One frame of a stack. */
export interface Frame {
  name: string;
  /** File of the source, or an empty string. */
  file: string;
  /** Line that was executing; 0 where it is not known. */
  line: number;
  /** Line where the function starts; 0 where it is not known. */
  startLine: number;
  /** File name of the binary a native frame belongs to, or an empty string. */
  module: string;
  kind: FrameKind;
  /** npm package, `node`, name of a native module, or `(your code)`. */
  package: string;
}

/**
 * One sample: its values in the order of the profile's types, its stack leaf first, its labels. In the difference of two
 * profiles values can be below zero.
 */
export interface LoadedSample {
  values: number[];
  frames: Frame[];
  labels: ReadonlyMap<string, string>;
}

/** A profile read from a file. */
export interface LoadedProfile {
  path: string;
  types: { type: string; unit: string }[];
  samples: LoadedSample[];
  /** Nanoseconds since the epoch at which it begins. */
  startNanoseconds: bigint;
  durationNanoseconds: number;
}

/** Name of the thread a sample was taken on. */
export function threadOf(sample: LoadedSample): string {
  return sample.labels.get('thread name') ?? '(no thread name)';
}
