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

  /** Of these, which are all that wait. */
  of(files: readonly SpooledFile[]): void {
    const paths = new Set(files.map(pathOf));
    for (const path of this.made) if (!paths.has(path)) this.made.delete(path);
    for (const file of files) {
      const source = pathOf(file);
      if (this.made.has(source)) continue;
      const isMade = this.put(sequenceOf(file), () => readFileSync(source));
      if (isMade) this.made.add(source);
    }
  }

  /** The same for a profile that is in no spool. Whether there is such an output, and it is there. */
  put(sequence: number, read: () => Uint8Array): boolean {
    if (this.outputPrefix === undefined) return false;
    const path = profilePath(this.outputPrefix, sequence);
    try {
      writeProfileSync(path, read());
      return true;
    } catch (error) {
      this.logger.error(`cannot write the profile ${path}: ${reasonOf(error)}. It is sent all the same.`);
      return false;
    }
  }
}
