/** How an upload ends. */
export const UPLOAD_ENDS = [
  'uploads_delivered',
  'uploads_refused',
  'uploads_expired',
  'uploads_evicted',
  'uploads_damaged',
  'uploads_elsewhere',
  'uploads_gone',
  'uploads_kept',
  'uploads_lost',
] as const;

/**
 * What has become of uploads. Each is counted once for each receiver:
 * `uploads_taken` is the sum of those delivered, refused, expired, evicted, damaged, lost, settled
 * elsewhere (by another process that shares the spool), gone from the spool, kept in the inbox, and of those that still wait.
 */
const COUNTER_NAMES = [
  'uploads_taken',
  ...UPLOAD_ENDS,
  'upload_attempts',
  'upload_retries',
  'upload_splits',
  'upload_bytes',
  'spool_failures',
  'spool_profiles',
  'spool_bytes',
] as const;

export type CounterName = (typeof COUNTER_NAMES)[number];

/** Counters by name; those of the spool are what is there now. */
export type Counters = Record<CounterName, number>;

/** Counters in shared memory, so that the main thread reads them at any time. */
export function sharedCounters(memory: SharedArrayBuffer): Counters {
  const values = new Float64Array(memory);
  const counters = {} as Counters;
  for (const [index, name] of COUNTER_NAMES.entries()) {
    Object.defineProperty(counters, name, {
      enumerable: true,
      get: () => values[index],
      set: (value: number) => {
        values[index] = value;
      },
    });
  }
  return counters;
}

export function counterMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(COUNTER_NAMES.length * Float64Array.BYTES_PER_ELEMENT);
}

export function add(counters: Counters, name: CounterName, amount: number): void {
  counters[name] += amount;
}
