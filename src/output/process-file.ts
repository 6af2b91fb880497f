import { utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, type Logger, messageOf } from '../log';
import { type Seed, withoutSecrets } from '../upload/seed';
import { makeFolder } from './folder';
import { processPath } from './process-name';
import { writeWhole } from './whole-file';

/**
 * Leaves word of a process in an inbox, at its start and with each profile that comes: the word is to go with the last one, and
 * not before. Throws the system's error.
 */
export function keepWord(folder: string, seed: Seed): void {
  const path = processPath(folder, seed.runtimeId);
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    // Not yet, or somebody has tidied the folder.
    if (codeOf(error) !== 'ENOENT') throw error;
    makeFolder(folder);
    writeWhole(path, JSON.stringify(withoutSecrets(seed)), 0o600);
  }
}

/** As `keepWord`, beside the files of a prefix: where it cannot be written neither can those, which is told. */
export function leaveWord(prefix: string, seed: Seed, logger: Logger): void {
  const folder = dirname(prefix);
  try {
    keepWord(folder, seed);
  } catch (error) {
    logger.debug(`cannot leave word of this process in ${folder}: ${messageOf(error)}`);
  }
}
