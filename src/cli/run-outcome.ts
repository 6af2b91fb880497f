import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { originOf } from '../config/origin';
import { readSetting } from '../config/resolve';
import { settings } from '../config/settings';
import { codeOf, reasonOf } from '../log';
import { absolutePrefix } from '../output/folder';
import { type ProfileFile, profilesAt } from '../output/pprof-file';
import type { RunEvent } from '../run-report';
import { quoted } from './quoted';
import { sentSummary } from './sent-summary';

/** Collects what the processes below `everflame run` report. */
export class RunOutcome {
  /** Where profiles go unless a process decides otherwise, and those that are there before the program runs. */
  private readonly prefix: string | undefined;
  private readonly before: ReadonlySet<string>;
  /** Folder of the report; undefined where none can be made. */
  private readonly folder: string | undefined;
  /** Why the processes cannot report; undefined where they could at first. */
  private readonly obstacle: string | undefined;

  /** `environment` is that of the program. */
  constructor(private readonly environment: NodeJS.ProcessEnv) {
    this.prefix = prefixOf(environment);
    this.before = new Set(this.files().map(({ path }) => path));
    let obstacle: string | undefined;
    // Beside the profiles where there is no room for temporary files, or no place.
    for (const parent of [tmpdir(), this.prefix === undefined ? undefined : dirname(this.prefix)]) {
      if (parent === undefined) continue;
      const made = makeReport(parent);
      this.folder = made.folder;
      if (made.folder !== undefined) return;
      obstacle ??= made.obstacle;
    }
    this.obstacle = obstacle;
  }

  /** The file to which the processes report, if they can. */
  get path(): string | undefined {
    return this.folder === undefined ? undefined : reportIn(this.folder);
  }

  /** Whether a process has said that it is profiled. */
  get isProfiled(): boolean {
    return this.read().some(({ kind }) => kind === 'started' || kind === 'sending');
  }

  /** The last line of a run: where the profiles are, or why there is none. Undefined where it has been said already. */
  lastLine(program: string): string | undefined {
    const events = this.read();
    const started = events.filter((event) => event.kind === 'started');
    const sent = sentSummary(events);
    if (sent !== undefined && started.length === 0) return sent;
    if (started.length > 0) {
      // A folder may hold more files than there is time to look through for each process.
      const found = new Map([...new Set(started.map(({ prefix }) => prefix))].map(byProcess));
      const files = started.flatMap(({ pid, prefix, first }) =>
        (found.get(prefix)?.get(pid) ?? []).filter(({ sequence }) => sequence >= first),
      );
      const told = files.length === 0 && events.some(({ kind }) => kind === 'unwritten');
      const written = told ? undefined : (collected(started) ?? summary(started, files));
      return sent === undefined ? written : [sent, written].filter(Boolean).join(' ');
    }
    if (events.length > 0) return undefined;
    // A process may be able to write its profiles and not its report: by Node.js's permission model, or for want of room.
    const written = this.files().filter(({ path }) => !this.before.has(path));
    if (written.length > 0) return summary(written, written);
    if (!readSetting('enabled', this.environment)) {
      const variable = originOf(settings.enabled, this.environment) ?? '';
      return `no Node.js process was profiled: ${variable} is ${this.environment[variable]}.`;
    }
    if (readSetting('exporters', this.environment)?.length === 0) {
      const variable = originOf(settings.exporters, this.environment) ?? '';
      return `nobody gets a profile: ${variable} is ${this.environment[variable]}. Unset it, or name exporters in it.`;
    }
    const obstacle = this.obstacle ?? this.lackOfRoom();
    if (obstacle !== undefined) return `whether a Node.js process was profiled is not known: ${obstacle}.`;
    return `no Node.js process has reported a profile: ${program} is not a Node.js program, ended before it was up, clears NODE_OPTIONS, or may not load the profiler or write files.`;
  }

  private files(): ProfileFile[] {
    return this.prefix === undefined ? [] : profilesAt(this.prefix);
  }

  /** Removes the temporary files. */
  close(): void {
    if (this.folder !== undefined) removeFolder(this.folder);
  }

  /** Says that the processes could not report because there was no room for it. */
  private lackOfRoom(): string | undefined {
    if (this.folder === undefined) return undefined;
    try {
      appendFileSync(reportIn(this.folder), '\n');
      return undefined;
    } catch (error) {
      // Anything else is the program's doing, and says nothing about the reports.
      return isFull(error) ? `${dirname(this.folder)} is full` : undefined;
    }
  }

  private read(): RunEvent[] {
    if (this.folder === undefined) return [];
    let text: string;
    try {
      text = readFileSync(reportIn(this.folder), 'utf8');
    } catch {
      // The program has done something to it.
      return [];
    }
    return text
      .split('\n')
      .map(parseEvent)
      .filter((event) => event !== undefined);
  }
}

/** A prefix and its profiles by process number. */
function byProcess(prefix: string): [prefix: string, files: Map<number, ProfileFile[]>] {
  const files = new Map<number, ProfileFile[]>();
  for (const file of profilesAt(prefix)) {
    const own = files.get(file.pid);
    if (own) own.push(file);
    else files.set(file.pid, [file]);
  }
  return [prefix, files];
}

function reportIn(folder: string): string {
  return join(folder, 'report');
}

/** Makes a report that can be written, in a folder of its own below this one, or says why there is none. */
function makeReport(
  parent: string,
): { folder: string; obstacle?: never } | { folder?: never; obstacle: string } {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(parent, 'everflame-run-'));
    // Not empty: a full disk, or a limit of a file's size, lets a file be made and nothing be written to it.
    writeFileSync(reportIn(folder), '\n');
    return { folder };
  } catch (error) {
    if (folder !== undefined) removeFolder(folder);
    if (isFull(error)) return { obstacle: `${parent} is full` };
    if (codeOf(error) === 'EFBIG') return { obstacle: 'no file may be written (ulimit -f)' };
    return { obstacle: `no temporary file can be made in ${parent} (${reasonOf(error)})` };
  }
}

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The program has done something to the place. What is left is one small file among others.
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
}

/** The event of one line, or undefined where the line is not whole: a full disk takes a part of it. */
function parseEvent(line: string): RunEvent | undefined {
  try {
    return JSON.parse(line) as RunEvent;
  } catch {
    return undefined;
  }
}

/** Undefined where the output is relative to a working directory that is gone, or that cannot be named. */
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
    return `${subject} profiled, but no profile was written: the end came too hard or too early, or the process could not write, as it says itself then.`;
  const shown = files.map(fromHere);
  const folders = [...new Set(shown.map(dirname))];
  const object = files.length === 1 ? '1 profile' : `${files.length} profiles`;
  const pattern =
    files.length === 1
      ? shown.map(quoted).join()
      : folders.map((folder) => `${quoted(folder)}/*.pprof`).join(' ');
  return `${object} of ${subject} in ${folders.join(', ')}; look at it with: everflame top ${pattern}`;
}

/** Where a collector takes what is left for it, also if it has not come to it yet. */
function collected(started: { pid: number; prefix: string }[]): string | undefined {
  const { collectorOf } = require('../collector/presence') as typeof import('../collector/presence');
  const pages = started.map(({ prefix }) => collectorOf(dirname(prefix)));
  const [page] = pages;
  if (page === undefined || pages.some((other) => other !== page)) return undefined;
  const count = new Set(started.map(({ pid }) => pid)).size;
  return `${count === 1 ? 'the profiles of 1 process are' : `the profiles of ${count} processes are`} on the page at ${page}`;
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
