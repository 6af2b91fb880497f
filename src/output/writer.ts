import process from 'node:process';
import type { Profile, WriteFailure } from '../engine';
import { type Logger, messageOf } from '../log';
import { reportToRun } from '../run-report';

/** Loaded when the first file is written: before that is the program's start. */
const files = (): typeof import('./pprof-file') => require('./pprof-file') as typeof import('./pprof-file');

/** Writes the profiles of one process as files, and says once what keeps it from doing so. */
export class ProfileWriter {
  readonly counters = { written: 0, bytes: 0, failures: 0 };
  /** A profile whose file is being written: an exit in between writes it at once. */
  private unfinished: { path: string; data: Buffer; temporary: string } | undefined;
  private lastFailure: string | undefined;

  /** `inbox` says that nobody named the folder, so that old profiles in it are removed. */
  constructor(
    readonly prefix: string,
    private readonly inbox: boolean,
    private readonly logger: Logger,
  ) {}

  async write(profile: Profile): Promise<void> {
    const path = files().profilePath(this.prefix, profile.sequence);
    const temporary = files().temporaryName(path);
    this.unfinished = { path, data: profile.data, temporary };
    try {
      await files().writeProfile(path, profile.data, this.mode, temporary);
      this.succeeded(path, profile.data);
    } catch (error) {
      this.reportFailure(path, error);
    }
    this.unfinished = undefined;
    if (this.inbox) await this.tidy();
  }

  /** Writes the file that `write` has not finished. For a process that is about to end. */
  finishSync(): void {
    const { unfinished } = this;
    if (!unfinished) return;
    this.writeFile(unfinished.path, unfinished.data);
    files().removeSync(unfinished.temporary);
    this.unfinished = undefined;
  }

  /** As `write`, for a process that is about to end. */
  writeSync(profile: Profile): void {
    this.writeFile(files().profilePath(this.prefix, profile.sequence), profile.data);
  }

  /** Removes what is superfluous in a folder that nobody named. For a process that is about to end, after its last file. */
  tidySync(): void {
    if (!this.inbox) return;
    try {
      const { pruneInboxSync } = require('./inbox') as typeof import('./inbox');
      pruneInboxSync(this.prefix);
    } catch (error) {
      this.logger.debug(`cannot tidy ${this.prefix}: ${messageOf(error)}`);
    }
  }

  /** Where somebody has named the folder, files have the rights that all files of the program have. */
  private get mode(): number | undefined {
    return this.inbox ? files().INBOX_MODE : undefined;
  }

  private writeFile(path: string, data: Buffer): void {
    try {
      files().writeProfileSync(path, data, this.mode);
      this.succeeded(path, data);
    } catch (error) {
      this.reportFailure(path, error);
    }
  }

  private async tidy(): Promise<void> {
    // Not needed at the start, which is the program's time.
    const { pruneInbox } = require('./inbox') as typeof import('./inbox');
    await pruneInbox(this.prefix).catch((error: unknown) => {
      this.logger.debug(`cannot tidy ${this.prefix}: ${messageOf(error)}`);
    });
  }

  private succeeded(path: string, data: Buffer): void {
    this.lastFailure = undefined;
    this.counters.written += 1;
    this.counters.bytes += data.length;
    this.logger.debug(`wrote ${path}`);
  }

  /** As `reportFailure`, of a profile that the engine was to write. */
  reportNativeFailure(failure: WriteFailure): void {
    this.reportFailure(failure.path, files().errorOf(failure));
  }

  /** Counts a failure and says it, unless it is the same as the last one. */
  reportFailure(path: string, error: unknown): void {
    this.counters.failures += 1;
    // The same trouble each period is said once; it is said again after it was gone.
    const trouble = String((error as NodeJS.ErrnoException).code ?? error);
    if (trouble !== this.lastFailure) {
      this.logger.error(files().writeFailure(path, error));
      reportToRun({ kind: 'unwritten', pid: process.pid });
    }
    this.lastFailure = trouble;
  }
}
