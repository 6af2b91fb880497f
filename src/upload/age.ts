import type { Clock } from './clock';
import { pathOf, type SpooledFile } from './spool-folder';

/**
 * How old files are. The time of a file counts when it is first seen; from then on it ages by a clock that nobody sets, so
 * that a clock put forward does not make all that waits too old, and one put back does not keep it for ever.
 */
export class Ages {
  private seen = new Map<string, { age: number; since: number }>();

  constructor(private readonly clock: Clock) {}

  /** These files with their ages in milliseconds, the youngest first; others are forgotten. */
  youngestFirst(files: readonly SpooledFile[]): { file: SpooledFile; path: string; age: number }[] {
    const [wall, steady] = [this.clock.wall(), this.clock.steady()];
    const seen: typeof this.seen = new Map();
    const aged = files.map((file) => {
      const path = pathOf(file);
      const first = this.seen.get(path) ?? { age: Math.max(0, wall - file.modified), since: steady };
      seen.set(path, first);
      return { file, path, age: first.age + steady - first.since };
    });
    this.seen = seen;
    return aged.sort((a, b) => a.age - b.age);
  }
}
