import type { SpooledFile } from './spool-folder';
import type { Identity, SnapshotReason, Upload } from './upload';

/** An upload on its way: in memory or in the spool. */
export interface Parcel {
  /** Undefined once it is in the spool. */
  upload: Upload | undefined;
  file: SpooledFile | undefined;
  /** Whose it is. */
  identity: Identity;
  reason: SnapshotReason;
  /** When it was made, in milliseconds since the epoch: the oldest is sent first. */
  time: number;
  bytes: number;
  /** Which parts each receiver has that has not all of them; by the keys of lanes. */
  pending: Map<string, Set<string>>;
}

export function pendingOf({ pending }: Parcel): Record<string, string[]> {
  return Object.fromEntries([...pending].map(([key, parts]) => [key, [...parts]]));
}
