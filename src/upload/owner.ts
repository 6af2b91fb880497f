import { statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning } from '../is-running';
import type { Clock } from './clock';
import { pidNamespace, SEED_FILE, type Seed, startTicks } from './seed';

/** A living process shows it at least so often by the time of its seed. */
export const HEARTBEAT_MILLISECONDS = 60_000;
/** One that cannot be asked otherwise, and has not for so long, counts as ended. */
const SILENT_MILLISECONDS = 5 * HEARTBEAT_MILLISECONDS;

/** Shows others that the process of this folder lives. Throws the system's error where the folder is gone. */
export function beat(folder: string): void {
  const now = new Date();
  utimesSync(join(folder, SEED_FILE), now, now);
}

/** Tells whether the owners of folders in the spool live. */
export class Owners {
  /** When each folder last showed something new, by our own clock. */
  private readonly seen = new Map<string, { beat: number; since: number }>();

  constructor(
    private readonly own: Seed,
    private readonly clock: Clock,
  ) {}

  /** Whether the process of a folder has ended, as far as that can be known. `seed` is undefined where it cannot be read. */
  hasEnded(folder: string, seed: Seed | undefined): boolean {
    // What another container or machine calls a process number means nothing here, and another profiler in this process
    // may have stopped while the process lives.
    const isAsked = seed && !this.isOfThisProcess(seed) && isOfThisNamespace(seed);
    return isAsked ? !lives(seed) : this.isSilent(folder);
  }

  /** Only these folders are there: what is known of others is forgotten. */
  keepOnly(folders: readonly string[]): void {
    for (const folder of this.seen.keys()) if (!folders.includes(folder)) this.seen.delete(folder);
  }

  private isOfThisProcess({ pid, startTicks: ticks }: Seed): boolean {
    return pid === this.own.pid && ticks === this.own.startTicks;
  }

  /**
   * Whether a folder has shown nothing for long, as seen from here: the time of a file and the clocks of two machines, or one
   * that is set, prove nothing.
   */
  private isSilent(folder: string): boolean {
    const found = statSync(join(folder, SEED_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const now = this.clock.steady();
    const last = this.seen.get(folder);
    if (last?.beat === found) return now - last.since > SILENT_MILLISECONDS;
    this.seen.set(folder, { beat: found, since: now });
    return false;
  }
}

/** Whether a process has ended of which that can be known by its number. */
export function hasEndedHere(seed: Seed): boolean {
  return isOfThisNamespace(seed) && !lives(seed);
}

function isOfThisNamespace({ namespace }: Seed): boolean {
  return namespace === pidNamespace();
}

function lives({ pid, startTicks: ticks }: Seed): boolean {
  return ticks === undefined ? isRunning(pid) : startTicks(pid) === ticks;
}
