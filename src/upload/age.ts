import type { Clock } from './clock';
import { pathOf, type SpooledFile } from './spool-folder';

/**
 * How old files are. The time of a file counts when it is first seen; from then on it ages by a clock that nobody sets, so
 * that a clock put forward does not make all that waits too old, and one put back does not keep it for ever.
 */
export class Ages {
  private seen = new Map<string, { age: number; since: number }>();

  constructor(private readonly clock: Clock) {}

  /** The ages of these files in milliseconds, by their paths; others are forgotten. */
  of(files: readonly SpooledFile[]): Map<string, number> {
    const [wall, steady] = [this.clock.wall(), this.clock.steady()];
    const seen: typeof this.seen = new Map();
    const ages = new Map<string, number>();
    for (const file of files) {
      const path = pathOf(file);
      const first = this.seen.get(path) ?? { age: Math.max(0, wall - file.modified), since: steady };
      seen.set(path, first);
      ages.set(path, first.age + steady - first.since);
    }
    this.seen = seen;
    return ages;
  }
}
