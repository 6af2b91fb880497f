import { writeSync } from 'node:fs';
import type { LogLevel } from './config/settings';

const ORDER: readonly LogLevel[] = ['off', 'error', 'warn', 'info', 'debug'];
const STANDARD_ERROR = 2;

/** A logger of the program's own, such as one of pino or `console`. */
export interface UserLogger {
  error(message: string): void;
  warn(message: string): void;
  info(message: string): void;
  debug(message: string): void;
}

/**
 * Writes Everflame's own lines to standard error, or to the program's own logger, each once with its reason.
 * Straight to the descriptor: `process.stderr` takes milliseconds to set up, and programs replace its methods.
 */
export class Logger {
  private readonly threshold: number;

  constructor(
    level: LogLevel,
    private readonly user?: UserLogger,
  ) {
    this.threshold = ORDER.indexOf(level);
  }

  error(message: string): void {
    this.write('error', message);
  }

  warn(message: string): void {
    this.write('warn', message);
  }

  /** A line that is no warning but is shown wherever warnings are. */
  notice(message: string): void {
    this.write('warn', message, '');
  }

  info(message: string): void {
    this.write('info', message, '');
  }

  debug(message: string): void {
    this.write('debug', message);
  }

  private write(level: LogLevel, message: string, mark = `${level}: `): void {
    if (level === 'off' || ORDER.indexOf(level) > this.threshold) return;
    try {
      if (this.user) forgive(this.user[level](`everflame: ${message}`));
      else writeSync(STANDARD_ERROR, `everflame: ${mark}${message}\n`);
    } catch {
      // Standard error is closed or full, or the program's logger throws: there is no other place to say so, and the program
      // goes on.
    }
  }
}

/** A method of the program's logger that is asynchronous must not end the program by a rejection that nobody handles. */
function forgive(result: unknown): void {
  if (result instanceof Promise) result.catch(() => undefined);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** As `messageOf`, to stand inside a sentence: without a full stop at its end. */
export function reasonOf(error: unknown): string {
  return messageOf(error).replace(/[.\s]+$/, '');
}

/** The `code` of a system or Node.js error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
