import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { readSetting } from '../config/resolve';
import { codeOf } from '../log';
import { absolutePrefix } from '../output/folder';
import { type ProfileFile, profilesAt } from '../output/pprof-file';
import type { RunEvent } from '../run-report';

/** Collects what the processes below `everflame run` report. */
export class RunOutcome {
  /** Where profiles go unless a process decides otherwise, and those that are there before the program runs. */
  private readonly prefix: string | undefined;
  private readonly before: ReadonlySet<string>;

  private constructor(
    private readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
  ) {
    this.prefix = prefixOf(environment);
    this.before = new Set(this.files().map(({ path }) => path));
  }

  /**
   * `environment` is that of the program. Undefined where no temporary file can be made: the program then runs without a
   * last line.
   */
  static open(environment: NodeJS.ProcessEnv): RunOutcome | undefined {
    try {
      return new RunOutcome(mkdtempSync(join(tmpdir(), 'everflame-run-')), environment);
    } catch {
      // A read-only system without a temporary directory: only the summary is missing.
      return undefined;
    }
  }

  get path(): string {
    return join(this.folder, 'report');
  }

  /** The last line of a run: where the profiles are, or why there is none. Undefined where it has been said already. */
  lastLine(program: string): string | undefined {
    const events = this.read();
    const started = events.filter((event) => event.kind === 'started');
    if (started.length > 0) {
      const files = started.flatMap(({ pid, prefix, first }) =>
        profilesAt(prefix).filter((file) => file.pid === pid && file.sequence >= first),
      );
      const told = files.length === 0 && events.some(({ kind }) => kind === 'unwritten');
      return told ? undefined : summary(started, files);
    }
    if (events.length > 0) return undefined;
    if (this.isFull())
      return `whether a Node.js process was profiled is not known: ${dirname(this.folder)} is full.`;
    // The permission model of Node.js may let a process write its profiles and not its report.
    const written = this.files().filter(({ path }) => !this.before.has(path));
    if (written.length > 0) return summary(written, written);
    const enabled = this.environment.DD_PROFILING_ENABLED ?? '';
    if (/^(false|0|no|off)$/i.test(enabled.trim())) {
      return `no Node.js process was profiled: DD_PROFILING_ENABLED is ${enabled}.`;
    }
    return `no Node.js process was profiled: ${program} is not a Node.js program, ended before it was up, clears NODE_OPTIONS, or may not load the profiler.`;
  }

  private files(): ProfileFile[] {
    return this.prefix === undefined ? [] : profilesAt(this.prefix);
  }

  /** Removes the temporary files. */
  close(): void {
    try {
      rmSync(this.folder, { recursive: true, force: true });
    } catch {
      // The program has done something to the place. What is left is one small file among temporary ones.
    }
  }

  /** Whether the processes could not report because there is no room for it. */
  private isFull(): boolean {
    try {
      appendFileSync(this.path, '\n');
      return false;
    } catch (error) {
      // Anything else is the program's doing, and says nothing about the reports.
      return ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
    }
  }

  private read(): RunEvent[] {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch {
      // No process has reported.
      return [];
    }
    return text
      .split('\n')
      .map(parseEvent)
      .filter((event) => event !== undefined);
  }
}

/** The event of one line, or undefined where the line is not whole: a full disk takes a part of it. */
function parseEvent(line: string): RunEvent | undefined {
  try {
    return JSON.parse(line) as RunEvent;
  } catch {
    return undefined;
  }
}

/** Undefined where the output is relative to a working directory that is gone. */
function prefixOf(environment: NodeJS.ProcessEnv): string | undefined {
  try {
    return absolutePrefix(readSetting('output', environment) ?? join('.everflame', 'profile'));
  } catch {
    return undefined;
  }
}

function summary(processes: { pid: number }[], profiles: ProfileFile[]): string {
  // A process that executes another program starts twice under one number.
  const count = new Set(processes.map(({ pid }) => pid)).size;
  const files = [...new Set(profiles.map(({ path }) => path))];
  const subject = count === 1 ? '1 process' : `${count} processes`;
  if (files.length === 0)
    return `${subject} profiled, but no profile was written: the end came too hard or too early.`;
  const shown = files.map(fromHere);
  const folders = [...new Set(shown.map(dirname))];
  const object = files.length === 1 ? '1 profile' : `${files.length} profiles`;
  const pattern =
    files.length === 1
      ? shown.map(quoted).join()
      : folders.map((folder) => `${quoted(folder)}/*.pprof`).join(' ');
  return `${object} of ${subject} in ${folders.join(', ')}; look at it with: everflame top ${pattern}`;
}

/** A path as a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** A path as short as it is from the working directory. */
function fromHere(file: string): string {
  try {
    return relative(process.cwd(), file);
  } catch {
    // The program has removed the working directory: the whole path is right anywhere.
    return file;
  }
}
