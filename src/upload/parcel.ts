import type { CounterName } from './counters';
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
  sequence: number;
  /** When it was made, in milliseconds since the epoch: the oldest is sent first. */
  time: number;
  bytes: number;
  /** The profiler's own figures, where they are not in the upload and nothing is written down of them. */
  internal?: Record<string, number> | undefined;
  /** Which parts each receiver has that has not all of them; by the keys of lanes. */
  pending: Map<string, Set<string>>;
  /** The same of receivers that this process does not send to. */
  others: Record<string, string[]>;
  /** What the profile in the spool says of its time, and the size that it had then. */
  read?: { bytes: number; start: bigint; end: bigint };
  /** It is given up, with the cause, unless those that are sending it just now succeed. */
  doomed?: CounterName;
}

/** To whom a parcel is still to be sent, as it is written down. */
export function pendingOf({ pending, others }: Parcel): Record<string, string[]> {
  return { ...others, ...Object.fromEntries([...pending].map(([key, parts]) => [key, [...parts]])) };
}

/**
 * The oldest first. Those of one process are in the order of their numbers, also where its clock was set back between two of them.
 */
export function oldestFirst(parcels: readonly Parcel[]): Parcel[] {
  const byTime = [...parcels].sort((a, b) => a.time - b.time);
  const queues = new Map<string, Parcel[]>();
  for (const parcel of byTime) {
    const queue = queues.get(parcel.identity.runtimeId);
    if (queue) queue.push(parcel);
    else queues.set(parcel.identity.runtimeId, [parcel]);
  }
  // Taken from the end of each: the highest number is first.
  for (const queue of queues.values()) queue.sort((a, b) => b.sequence - a.sequence);
  return byTime.flatMap(({ identity }) => queues.get(identity.runtimeId)?.pop() ?? []);
}
