import { join } from 'node:path';
import { EverflameError } from '../engine';
import { reasonOf } from '../log';
import { causeOf, isOutOfMemory, OwnProcess, type ProcessEnd, type ProcessLimits } from '../own-process';
import { readAnswer } from './answer';
import type { Converted } from './convert';
import type { FileFacts } from './file-time';
import { NotImportable } from './not-importable';

/** Converts files in a process of their own, one at a time. */
export class Converter {
  private readonly process: OwnProcess;

  constructor(private readonly limits: ProcessLimits) {
    this.process = new OwnProcess(join(__dirname, 'converting.js'), limits);
  }

  /** Rejects with NotImportable for what is no profile, or too much. */
  async convert(data: Buffer, file: FileFacts): Promise<Converted> {
    const end = await this.process.run(file, data).catch((error: unknown) => {
      throw new EverflameError('NO_CONVERTER', `the file cannot be read: ${reasonOf(error)}`, {
        cause: error,
      });
    });
    if (!end) throw new NotImportable('the collector ends');
    const { code, isLate, output } = end;
    const { milliseconds, mebibytes } = this.limits;
    if (isLate)
      throw new NotImportable(`reading it takes more than ${milliseconds / 1000} s: record a shorter time`);
    const found = code === 0 ? readAnswer(output) : undefined;
    if (found && 'reason' in found) throw new NotImportable(found.reason);
    if (found) return found;
    if (isOutOfMemory(end)) {
      throw new NotImportable(`reading it takes more than ${mebibytes} MiB of memory: record a shorter time`);
    }
    throw unexpected(end);
  }

  /** Ends what is under way. */
  close(): void {
    this.process.close();
  }
}

function unexpected(end: ProcessEnd): EverflameError {
  return new EverflameError(
    'NO_CONVERTER',
    `the file could not be read: the process that reads it ${causeOf(end)}`,
  );
}
