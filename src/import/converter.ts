import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { EverflameError } from '../engine';
import { readAnswer } from './answer';
import type { Converted } from './convert';
import type { FileFacts } from './file-time';
import type { ConverterLimits } from './limits';
import { NotImportable } from './not-importable';

/** Of what the process says on its standard error. */
const MOST_SAID = 4096;
/** Each with an environment in which nobody's preload and options are. */
const KEPT_VARIABLES = ['PATH', 'LD_LIBRARY_PATH', 'TMPDIR', 'TZ', 'SYSTEMROOT'];

/**
 * Converts files in a process of their own, one at a time. Not on a thread: a thread whose memory is at its end in the middle of
 * `JSON.parse` takes the whole process with it, whatever its `resourceLimits` say.
 */
export class Converter {
  private last: Promise<unknown> = Promise.resolve();
  private child: ChildProcess | undefined;
  private isClosed = false;

  constructor(private readonly limits: ConverterLimits) {}

  /** Rejects with NotImportable for what is no profile, or too much. */
  convert(data: Buffer, file: FileFacts): Promise<Converted> {
    const done = this.last.then(() => this.run(data, file));
    this.last = done.catch(() => undefined);
    return done;
  }

  /** Ends what is under way. */
  close(): void {
    this.isClosed = true;
    this.child?.kill('SIGKILL');
  }

  private run(data: Buffer, file: FileFacts): Promise<Converted> {
    const { mebibytes, milliseconds } = this.limits;
    if (this.isClosed) return Promise.reject(new NotImportable('the collector ends'));
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${mebibytes}`, join(__dirname, 'converting.js'), JSON.stringify(file)],
      { env: ownEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] },
    );
    this.child = child;
    return new Promise((resolve, reject) => {
      const answer: Buffer[] = [];
      let said = '';
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        child.kill('SIGKILL');
      }, milliseconds);
      child.stdout.on('data', (piece: Buffer) => answer.push(piece));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(0, MOST_SAID);
      });
      // One that ends before it has read everything tells why by its end.
      child.stdin.on('error', () => undefined).end(data);
      child.once('error', (error) => {
        clearTimeout(timer);
        reject(
          new EverflameError('NO_CONVERTER', `the file cannot be read: ${error.message}`, { cause: error }),
        );
      });
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        this.child = undefined;
        if (isLate) {
          reject(
            new NotImportable(`reading it takes more than ${milliseconds / 1000} s: record a shorter time`),
          );
          return;
        }
        const found = code === 0 ? readAnswer(Buffer.concat(answer)) : undefined;
        if (found && 'reason' in found) reject(new NotImportable(found.reason));
        else if (found) resolve(found);
        else reject(this.endOf(said, code, signal));
      });
    });
  }

  private endOf(said: string, code: number | null, signal: NodeJS.Signals | null): Error {
    if (/heap out of memory|heap limit/.test(said))
      return new NotImportable(
        `reading it takes more than ${this.limits.mebibytes} MiB of memory: record a shorter time`,
      );
    const [line = ''] = said.split('\n').filter((text) => /Error/.test(text));
    return new EverflameError(
      'NO_CONVERTER',
      `the file could not be read: the process that reads it ended with ${signal ?? code}. ${line}`.trim(),
    );
  }
}

function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    KEPT_VARIABLES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
