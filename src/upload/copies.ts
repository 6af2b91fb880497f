import { readFileSync } from 'node:fs';
import { type Logger, reasonOf } from '../log';
import { profilePath, writeProfileSync } from '../output/pprof-file';
import { pathOf, type SpooledFile, sequenceOf } from './spool-folder';

/** With `file` or `local` among the exporters, what the sampler writes to the spool by itself goes to the output too. */
export class Copies {
  /** Paths of what is there: a profile may wait in the spool for long. */
  private readonly made = new Set<string>();

  constructor(
    private readonly outputPrefix: string | undefined,
    private readonly logger: Logger,
  ) {}

  of(file: SpooledFile): void {
    const source = pathOf(file);
    if (this.outputPrefix === undefined || this.made.has(source)) return;
    const path = profilePath(this.outputPrefix, sequenceOf(file));
    try {
      writeProfileSync(path, readFileSync(source));
      this.made.add(source);
    } catch (error) {
      this.logger.error(`cannot write the profile ${path}: ${reasonOf(error)}. It is sent all the same.`);
    }
  }
}
