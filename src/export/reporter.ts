import { join } from 'node:path';
import type { Selection } from '../collector/store';
import { EverflameError } from '../engine';
import { reasonOf } from '../log';
import { causeOf, isOutOfMemory, OwnProcess, type ProcessEnd, type ProcessLimits } from '../own-process';

/** A browser waits for the answer, on a connection that the collector ends after 65 s. */
const LIMITS: ProcessLimits = { mebibytes: 1536, milliseconds: 50_000 };

/** One is made, and one waits. */
const MOST_PENDING = 2;

/** What a report is made of. */
export interface ReportRequest {
  /** The folder of the store. */
  folder: string;
  selection: Selection;
  isStripped: boolean;
  /** The folder of the built page. */
  page: string;
}

/** Instead of a report: the error that `makeReport` or `reportFile` threw. */
export interface ReportFailure {
  code: string;
  message: string;
}

/** With what the process ends that has a `ReportFailure` to tell. */
export const FAILED = 3;

/** Makes reports in a process of their own, one at a time: of a large selection it takes seconds, and whoever sends profiles would wait. */
export class Reporter {
  private readonly process: OwnProcess;
  private pending = 0;

  constructor(private readonly limits: Readonly<ProcessLimits> = LIMITS) {
    this.process = new OwnProcess(join(__dirname, 'reporting.js'), limits);
  }

  /** The report as a file. Rejects with an EverflameError. */
  async make(request: ReportRequest): Promise<Buffer> {
    if (this.pending >= MOST_PENDING)
      throw new EverflameError('BUSY', 'other reports are being made: ask again when they are done');
    this.pending += 1;
    try {
      return await this.made(request);
    } finally {
      this.pending -= 1;
    }
  }

  private async made(request: ReportRequest): Promise<Buffer> {
    const end = await this.process.run(request).catch((error: unknown) => {
      throw new EverflameError('NO_REPORT', `no report can be made: ${reasonOf(error)}`, { cause: error });
    });
    if (!end)
      throw new EverflameError('BUSY', 'the collector ends: start it again, and ask for the report then');
    if (end.code === 0) return end.output;
    if (end.code !== FAILED) throw this.failureOf(end);
    const { code, message } = JSON.parse(end.output.toString()) as ReportFailure;
    throw new EverflameError(code, message);
  }

  /** Ends what is under way. */
  close(): void {
    this.process.close();
  }

  private failureOf(end: ProcessEnd): EverflameError {
    const { mebibytes, milliseconds } = this.limits;
    const more = end.isLate
      ? `${milliseconds / 1000} s`
      : isOutOfMemory(end)
        ? `${mebibytes} MiB`
        : undefined;
    if (more === undefined)
      return new EverflameError('NO_REPORT', `no report could be made: its process ${causeOf(end)}`);
    return new EverflameError(
      'BAD_QUERY',
      `a report of this takes more than ${more}. Choose a shorter range or one process, or use "everflame export --html", which takes its time`,
    );
  }
}
