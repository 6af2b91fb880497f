/** Answers of a store as docs/api.md has them, as far as exports read them. */

import type { ValueType } from '../collector/services';

export interface ProfileEntry {
  from: number;
  to: number;
  types: (ValueType & { total: number })[];
  tags: Record<string, string>;
  samples: number;
}

export interface Profiles {
  profiles: ProfileEntry[];
  more: number;
}

/** What the heading of a tree says. */
export interface Found {
  total: number;
  from: number;
  to: number;
  /** Sum of the durations of the profiles found. */
  seconds: number;
}
