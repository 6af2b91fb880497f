import type { ProcessLimits } from '../own-process';

const MIB = 1024 * 1024;

/** What a file may have that is imported. */
export const IMPORT_LIMITS = {
  /** Without compression. What is made of it takes several times that. */
  bytes: 256 * MIB,
  /** Objects and arrays of JSON, and all values of it: they are what the parser's memory goes to. */
  containers: 6_000_000,
  values: 40_000_000,
  /** Frames of one stack: more the store does not keep. */
  depth: 16_384,
  /** Frames of all stacks that differ, in each profile that is made of the file. */
  frames: 32_000_000,
  /** After neighbours that are the same are one. */
  samples: 1_500_000,
  /** Profiles in one file. */
  profiles: 500,
} as const;

/** Values are whole numbers that are exact: in nanoseconds 104 days. */
export const MOST_VALUE = Number.MAX_SAFE_INTEGER;

/** Of a file that is dropped on the page: the browser waits for the answer, on a connection that the collector ends after 65 s. */
export const OF_PAGE: ProcessLimits = { mebibytes: 1536, milliseconds: 50_000 };
/** Of one that a command is given. */
export const OF_COMMAND: ProcessLimits = { mebibytes: 3072, milliseconds: 120_000 };
