import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Collector, type CollectorOptions, startCollector } from '../collector/collector';
import { PortTaken } from '../collector/listen/tcp';
import { COLLECTOR_PORT } from '../collector/port';
import { readSetting } from '../config/resolve';
import { settings } from '../config/settings';
import { Logger } from '../log';
import { appendPreload } from '../package-root';
import { DEV_PERIOD } from './dev-period';
import { openBrowser } from './open-browser';
import { openStore, type StoreOptions } from './open-store';
import { pageAddress } from './page-address';
import { quoted } from './quoted';
import { runProgram } from './run';
import { givenToken, TOKEN_VARIABLE } from './token';

/** A preload that does not wait for the end of the first period. */
const FIRST_SAMPLES = join(__dirname, 'first-samples.js');

/** Where in the inbox's folder the programs' profiles wait while nobody takes them. */
const SPOOL = 'spool';

/** The page follows what the program does, from its start on. */
const NOW = { last: '5m', live: '1' };

export interface DevOptions extends StoreOptions {
  /** Undefined for the usual one, or any that is free where it is taken. */
  port?: number;
  open: boolean;
  /** End with the program, instead of with Ctrl+C. */
  exit?: boolean;
}

/**
 * Runs a program under the profiler beside a collector that shows its profiles, until the reader ends both. `flags` are settings
 * from the command line, `warnings` what was wrong with them so far. Throws an EverflameError where the collector cannot start.
 */
export async function dev(
  program: string,
  programArguments: string[],
  flags: Record<string, unknown>,
  warnings: string[],
  options: DevOptions,
): Promise<void> {
  const logger = new Logger(readSetting('logLevel', process.env));
  const { store, folder, inbox } = openStore(options, logger);
  const token = givenToken(undefined, process.env);
  // What sends to an Agent has no token to show.
  const socket = token === undefined ? undefined : privateSocket();
  let collector: Collector;
  try {
    const guarded = socket && token !== undefined ? { token, socketPath: socket.path } : {};
    collector = await startSomewhere({ store, logger, inbox, ...guarded }, options.port);
  } catch (error) {
    await store.close();
    socket?.remove();
    throw error;
  }
  const page = pageAddress(collector, NOW);
  logger.notice(`the page is at ${page}`);
  // From now on: a signal that comes while the program runs is the program's, which ends by it or not.
  let isRunning = true;
  const asked = endAsked((signal) => {
    if (isRunning && signal !== 'SIGQUIT')
      logger.notice(`${program} goes on after ${signal}, and the page with it. Ctrl+\\ (SIGQUIT) ends both`);
  });
  const end = await runProgram(
    program,
    programArguments,
    flags,
    warnings,
    environmentFor(collector, inbox, flags),
    () => {
      if (options.open) openBrowser(page);
    },
  );
  isRunning = false;
  // Where profiles have come, they are on the page.
  if (end.lastLine && !end.isProfiled) logger.notice(end.lastLine);
  if (end.hasRun && !options.exit && !asked.isDone()) {
    const how = end.signal ?? `exit code ${process.exitCode ?? 0}`;
    logger.notice(`${program} has ended (${how}); the page stays. Ctrl+C ends it`);
    await asked.done;
  }
  await collector.close();
  await store.close();
  socket?.remove();
  if (end.hasRun)
    logger.notice(`the history is in ${folder}; to see it again: everflame view${optionsOf(options)}`);
  asked.forget();
  if (end.signal) process.kill(process.pid, end.signal);
}

/** The options by which another command finds the same store. */
function optionsOf({ store, inbox }: StoreOptions): string {
  const given = { '--inbox': inbox, '--store': store };
  return Object.entries(given)
    .map(([name, value]) => (value === undefined ? '' : ` ${name} ${quoted(value)}`))
    .join('');
}

/** At the usual port, or another where somebody has it and nobody asked for it. */
async function startSomewhere(options: CollectorOptions, port: number | undefined): Promise<Collector> {
  try {
    return await startCollector({ ...options, port: port ?? COLLECTOR_PORT });
  } catch (error) {
    if (port !== undefined || !(error instanceof PortTaken)) throw error;
    return startCollector({ ...options, port: 0 });
  }
}

/** Profiles go to the collector, whatever the environment says of other receivers, and to files where a flag says so. */
function environmentFor(
  { addresses, token }: Collector,
  inbox: string,
  flags: Record<string, unknown>,
): NodeJS.ProcessEnv {
  // Behind a token it is the socket, which was opened last.
  const address = addresses.at(token === undefined ? 0 : -1) ?? '';
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    DD_TRACE_AGENT_URL: address,
    EVERFLAME_EXPORTERS: flags.output === undefined ? 'datadog' : 'datadog,file',
    NODE_OPTIONS: appendPreload(process.env.NODE_OPTIONS, FIRST_SAMPLES),
  };
  // A place for files that the environment names is of no use without them.
  for (const name of settings.output.env) delete environment[name];
  // The page's secret is nothing that the program needs.
  delete environment[TOKEN_VARIABLE];
  // What is left there goes to the next collector at this address: it is to be one of this history.
  const [spool = ''] = settings.spoolFolder.env;
  environment[spool] ??= join(inbox, SPOOL);
  const [period = ''] = settings.period.env;
  if (settings.period.env.every((name) => !process.env[name])) environment[period] = DEV_PERIOD;
  return environment;
}

/** A path for a socket in a folder of this user's alone: the inbox's own may be too long for one. */
function privateSocket(): { path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'everflame-dev-'));
  return {
    path: join(folder, 'agent.sock'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Signals that end the command; with `forget` they do again what they do by themselves. `again` is called where one was not enough. */
function endAsked(again: (signal: NodeJS.Signals) => void): {
  done: Promise<void>;
  isDone: () => boolean;
  forget: () => void;
} {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  let isDone = false;
  let end: (signal: NodeJS.Signals) => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    end = (signal) => {
      if (isDone) again(signal);
      isDone = true;
      resolve();
    };
  });
  for (const signal of signals) process.on(signal, end);
  return {
    done,
    isDone: () => isDone,
    forget: () => {
      for (const signal of signals) process.removeListener(signal, end);
    },
  };
}
