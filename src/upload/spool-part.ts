import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SPOOLED_PREFIX } from './seed';

/** What ends the name of a profile whose period goes on, with `EVERFLAME_SPOOL=always`. */
const PART_SUFFIX = '.wall.pprof.part';

/**
 * What an ended process had written of a period that was not over becomes its profile. Where the whole profile is there too it was
 * about to take the part's place.
 */
export function completeParts(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(`${SPOOLED_PREFIX}.`) || !name.endsWith(PART_SUFFIX)) continue;
      const part = join(folder, name);
      const whole = part.slice(0, -'.part'.length);
      if (existsSync(whole)) rmSync(part, { force: true });
      else renameSync(part, whole);
    }
  } catch {
    // Another process has taken the folder away, or does the same.
  }
}
