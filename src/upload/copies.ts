import { readFileSync } from 'node:fs';
import { type Logger, reasonOf } from '../log';
import { profilePath, writeProfileSync } from '../output/pprof-file';
import type { Seed } from './seed';
import { pathOf, type SpooledFile } from './spool-folder';

/** Files that are to be written beside what is sent. */
export interface Copies {
  /** Writes the file of a profile that the sampler has written to the spool. */
  of(file: SpooledFile): void;
}

/** With `file` or `local` among the exporters, what the sampler writes by itself goes there too. */
export function makeCopies({ outputPrefix }: Seed, logger: Logger): Copies {
  return {
    of(file) {
      const sequence = Number(/\.(\d+)$/.exec(file.base)?.[1]);
      if (outputPrefix === undefined || Number.isNaN(sequence)) return;
      const path = profilePath(outputPrefix, sequence);
      try {
        writeProfileSync(path, readFileSync(pathOf(file)));
      } catch (error) {
        logger.error(`cannot write the profile ${path}: ${reasonOf(error)}. It is sent all the same.`);
      }
    },
  };
}
