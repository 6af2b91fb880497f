import { type Collector, type CollectorOptions, startCollector } from '../collector/collector';
import { PortTaken } from '../collector/listen/tcp';
import { COLLECTOR_PORT } from '../collector/port';
import { announce, withdraw } from '../collector/presence';
import { readSetting } from '../config/resolve';
import { settings } from '../config/settings';
import { Logger } from '../log';
import { openBrowser } from './open-browser';
import { openStore, type StoreOptions } from './open-store';
import { pageAddress } from './page-address';
import { quoted } from './quoted';
import { runProgram } from './run';

/** How often a profile is sent, in seconds: what runs now is on the page a moment later. */
const PERIOD = '1';

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
  let collector: Collector;
  try {
    collector = await startSomewhere({ store, logger, inbox }, options.port);
  } catch (error) {
    await store.close();
    throw error;
  }
  announce(inbox, collector.addresses[0] ?? '');
  const page = pageAddress(collector, NOW);
  logger.notice(`the page is at ${page}`);
  if (options.open) openBrowser(page);
  // From now on: a signal that comes while the program runs is the program's, which ends by it or not.
  const asked = endAsked();
  const end = await runProgram(program, programArguments, flags, warnings, environmentFor(collector, flags));
  // Where profiles have come, they are on the page.
  if (end.lastLine && !end.isProfiled) logger.notice(end.lastLine);
  const stays = end.hasRun && end.signal === null && !options.exit && !asked.isDone();
  if (stays) {
    logger.notice(
      `${program} has ended (exit code ${process.exitCode ?? 0}); the page stays. Ctrl+C ends it`,
    );
    await asked.done;
  }
  withdraw(inbox);
  await collector.close();
  await store.close();
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
  { addresses: [address = ''] }: Collector,
  flags: Record<string, unknown>,
): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    DD_TRACE_AGENT_URL: address,
    EVERFLAME_EXPORTERS: flags.output === undefined ? 'datadog' : 'datadog,file',
  };
  // A place for files that the environment names is of no use without them.
  for (const name of settings.output.env) delete environment[name];
  const [period = ''] = settings.period.env;
  if (settings.period.env.every((name) => !process.env[name])) environment[period] = PERIOD;
  return environment;
}

/** Signals that end the command; with `forget` they do again what they do by themselves. */
function endAsked(): { done: Promise<void>; isDone: () => boolean; forget: () => void } {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let isDone = false;
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    end = () => {
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
