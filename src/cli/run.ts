import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { readSetting } from '../config/resolve';
import { codeOf, Logger, messageOf } from '../log';
import { REPORT_VARIABLE } from '../run-report';
import { whyNotAProgram } from './not-a-program';
import { runEnvironment } from './run-environment';
import { RunOutcome } from './run-outcome';
import { groupOf, SignalWitness } from './signal-witness';

/** Signals that are for the program, not for the command above it. */
const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
/** Signals that a terminal sends to the program itself, which is in the same process group: for where nobody can tell. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);
/** As shells say it (POSIX, Shell Command Language, 2.8.2). */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const SIGNAL_BASE = 128;
const STANDARD_DESCRIPTORS = [0, 1, 2];

/**
 * Runs a program under the profiler, with the terminal, signals and exit code of the program itself. `flags` are the
 * command line's values, `warnings` what was wrong with them so far.
 */
export async function run(
  program: string,
  programArguments: string[],
  flags: Record<string, unknown>,
  warnings: string[],
): Promise<void> {
  const { signal, lastLine, logger } = await runProgram(
    program,
    programArguments,
    flags,
    warnings,
    process.env,
  );
  if (lastLine) logger.notice(lastLine);
  // So that whoever waits sees the same end. Some signals are not deadly to Node.js; then the code, a shell's for the same,
  // stands in.
  if (signal) process.kill(process.pid, signal);
}

/** How a program has ended. */
export interface ProgramEnd {
  /** Whether there was a program at all. */
  hasRun: boolean;
  /** The signal that ended it. */
  signal: NodeJS.Signals | null;
  /** Whether a process of it was. */
  isProfiled: boolean;
  /** What became of its profiles, for the reader of the terminal. */
  lastLine: string | undefined;
  logger: Logger;
}

/**
 * As `run`, with `own` for the environment, and the end of this command left to the caller. The exit code is set. `begun` is called
 * once there is such a program, and it runs.
 */
export async function runProgram(
  program: string,
  programArguments: string[],
  flags: Record<string, unknown>,
  warnings: string[],
  own: NodeJS.ProcessEnv,
  begun: () => void = () => undefined,
): Promise<ProgramEnd> {
  const settled = runEnvironment(flags, own);
  const { environment } = settled;
  const logger = new Logger(readSetting('logLevel', environment));
  for (const warning of [...warnings, ...settled.warnings]) logger.warn(warning);
  const none = { hasRun: false, signal: null, isProfiled: false, lastLine: undefined, logger };
  const obstacle = whyNotAProgram(program);
  if (obstacle !== undefined) {
    logger.error(`cannot run ${program}: ${obstacle}`);
    process.exitCode = NOT_EXECUTABLE;
    return none;
  }
  giveBackInspector();
  const outcome = new RunOutcome(environment);
  if (outcome.path !== undefined) environment[REPORT_VARIABLE] = outcome.path;
  const end = await runToEnd(program, programArguments, environment, logger, begun);
  if (end.kind === 'failed') {
    outcome.close();
    logger.error(startFailure(program, end.error));
    process.exitCode = isMissing(program, end.error) ? NOT_FOUND : NOT_EXECUTABLE;
    return none;
  }
  // First of all: whatever the summary meets, the end is the program's.
  process.exitCode = end.signal ? SIGNAL_BASE + constants.signals[end.signal] : end.code;
  const lastLine = outcome.lastLine(program);
  const { isProfiled } = outcome;
  outcome.close();
  return {
    hasRun: true,
    signal: end.signal,
    isProfiled,
    lastLine: settled.refused ? undefined : lastLine || undefined,
    logger,
  };
}

/** `NODE_OPTIONS=--inspect` is for the program, which could not have the port that this command listens on. */
function giveBackInspector(): void {
  try {
    const inspector = require('node:inspector') as typeof import('node:inspector');
    if (inspector.url() !== undefined) inspector.close();
  } catch {
    // A Node.js without an inspector listens on no port.
  }
}

type End = { kind: 'ended'; code: number; signal: NodeJS.Signals | null } | { kind: 'failed'; error: Error };

async function runToEnd(
  program: string,
  programArguments: string[],
  environment: NodeJS.ProcessEnv,
  logger: Logger,
  begun: () => void,
): Promise<End> {
  let child: ChildProcess;
  // Before there is a program: a signal that came in between would end this command alone. It is told afterwards.
  const stopForwarding = forwardSignals(() => child);
  try {
    child = spawn(program, programArguments, { stdio: 'inherit', env: environment });
  } catch (error) {
    await stopForwarding();
    // Node.js tells some refusals by an event and throws the others: an empty name, ENOTDIR, E2BIG.
    return { kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
  }
  child.once('spawn', begun);
  const end = await ended(child, (error) =>
    logger.warn(
      `a signal cannot be handed on to ${program} (${messageOf(error)}): it runs as another user. Send it to process ${child.pid} as that user.`,
    ),
  );
  await stopForwarding();
  return end;
}

/** `refused` is told of a signal that the program may not be sent. */
function ended(child: ChildProcess, refused: (error: Error) => void): Promise<End> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ kind: 'failed', error });
      else refused(error);
    });
    child.once('exit', (code, signal) => resolve({ kind: 'ended', code: code ?? 0, signal }));
  });
}

function forwardSignals(program: () => ChildProcess): () => Promise<void> {
  // Not by the streams of `process`: they make pipes non-blocking, which the program has in common with us.
  const atTerminal = STANDARD_DESCRIPTORS.some((descriptor) => isatty(descriptor));
  const witness = new SignalWitness();
  const handlers = FORWARDED.map((signal) => {
    const handler = async (): Promise<void> => {
      // A second one is "at once" to many programs, so what everybody was sent must not arrive twice.
      const seen = await witness.saw(signal);
      const child = program();
      // A program in a group of its own (`timeout`, `setsid`) was not sent what this group was.
      const isApart = groupOf(child.pid) !== groupOf(process.pid);
      if (!isApart && (seen ?? (atTerminal && FROM_TERMINAL.has(signal)))) return;
      child.kill(signal);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return async () => {
    for (const { signal, handler } of handlers) process.removeListener(signal, handler);
    await witness.end();
  };
}

function isMissing(program: string, error: Error): boolean {
  return program === '' || codeOf(error) === 'ENOENT';
}

function startFailure(program: string, error: Error): string {
  if (program === '') return 'the name of the program is empty. Is a variable in the command not set?';
  if (isMissing(program, error)) {
    const script = /\.[cm]?[jt]s$/.test(program)
      ? ` To run a script, put node before it: node ${program}`
      : '';
    return `no such program: ${program}. Check the name and PATH.${script}`;
  }
  return `cannot run ${program}: ${messageOf(error)}.${remedy(codeOf(error))}`;
}

function remedy(code: string | undefined): string {
  switch (code) {
    case 'EACCES':
      return ' It must be a file that this user may execute.';
    case 'ENOEXEC':
      return ' It is no program of this system.';
    case 'ENOTDIR':
      return ' A part of its path is a file, not a folder.';
    case 'E2BIG':
      return ' Its arguments and environment are longer than the system allows: hand them over in a file.';
    default:
      return '';
  }
}
