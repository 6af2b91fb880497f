import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type Collector, startCollector } from '../collector/collector';
import { FolderStore } from '../collector/native-store';
import { parsed } from '../collector/store';
import { readSetting } from '../config/resolve';
import { EverflameError } from '../engine';
import { codeOf, Logger, reasonOf } from '../log';
import { openBrowser } from './open-browser';
import { openStore, type StoreOptions } from './open-store';
import { pageAddress } from './page-address';
import { givenToken } from './token';

/** Of times and sizes: as much as there is. */
const EVER = 1e15;

export interface ViewOptions extends StoreOptions {
  host: string;
  port: number;
  socket?: string;
  /** Names beside localhost by which the page is asked for. */
  name?: string[];
  token?: string;
  open: boolean;
}

/**
 * Runs the collector until a signal ends it. With `files` it shows these, from a store that goes with it. Throws an EverflameError
 * where it cannot start.
 */
export async function view(files: string[], options: ViewOptions): Promise<void> {
  const logger = new Logger(readSetting('logLevel', process.env));
  const token = givenToken(options.token, process.env);
  const shown = files.length > 0 ? await storeOfFiles(files, logger) : storeOfFolder(options, logger);
  let collector: Collector;
  try {
    collector = await startCollector({
      store: shown.store,
      logger,
      host: options.host,
      port: options.port,
      ...(options.socket === undefined ? {} : { socketPath: resolve(options.socket) }),
      ...(options.name === undefined ? {} : { names: options.name }),
      ...(token === undefined ? {} : { token }),
      ...(shown.inbox === undefined ? {} : { inbox: shown.inbox }),
    });
  } catch (error) {
    await shown.close();
    throw error;
  }
  const page = pageAddress(collector, shown.range);
  for (const line of [`the page is at ${page}`, ...shown.lines(collector)]) logger.notice(line);
  if (options.open) openBrowser(page);
  const signal = await endingSignal();
  await collector.close();
  await shown.close();
  if (signal === 'SIGHUP') process.exitCode = 1;
}

/** What is shown, and what belongs to it. */
interface Shown {
  store: FolderStore;
  inbox?: string;
  /** What the page shows first, unless that is the last hour. */
  range?: Record<string, string>;
  /** What a reader is told beside the page's address. */
  lines(collector: Collector): string[];
  close(): Promise<void>;
}

function storeOfFolder(options: ViewOptions, logger: Logger): Shown {
  const { store, folder, inbox } = openStore(options, logger);
  return {
    store,
    inbox,
    lines: ({ addresses, token }) => [
      // What sends to an Agent has no token to show.
      token === undefined
        ? `to send profiles there: DD_TRACE_AGENT_URL=${addresses[0]}; what is left in ${inbox} is taken in`
        : `what is left in ${inbox} is taken in, and what is sent with the token as a bearer's; what sends to an Agent has none: give it a socket with --socket`,
      `Ctrl+C ends it, and the history stays in ${folder}`,
    ],
    close: () => store.close(),
  };
}

/** How a file is called in a store. */
interface FileName {
  service: string;
  /** Its tag `file`. */
  file: string;
}

const nameInView = (file: string): FileName => ({ service: basename(file), file: resolve(file) });

/** A store of these files, which goes when it is closed. */
export async function storeOfFiles(
  files: string[],
  logger: Logger,
  nameOf: (file: string) => FileName = nameInView,
): Promise<Shown> {
  const folder = mkdtempSync(join(tmpdir(), 'everflame-view-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    // Files of any age stay as long as they are shown.
    const retention = { samples: EVER, profiles: EVER, hours: EVER, bytes: EVER };
    const store = FolderStore.open(join(folder, 'store'), logger, retention);
    await keepFiles(store, files, nameOf);
    return {
      store,
      range: await rangeOf(store),
      lines: () => ['Ctrl+C ends it; the files stay as they are'],
      close: async () => {
        await store.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The time of the first file, which need not be today. */
async function rangeOf(store: FolderStore): Promise<Record<string, string>> {
  const { services } = await parsed<{ services: { name: string; from: number; to: number }[] }>(
    store.services(),
  );
  const [first] = services;
  if (!first) return {};
  return { service: first.name, from: String(Math.floor(first.from)), to: String(Math.ceil(first.to) + 1) };
}

async function keepFiles(
  store: FolderStore,
  files: string[],
  nameOf: (file: string) => FileName,
): Promise<void> {
  const kept = await store.ingest(
    files.map((file) => ({
      service: nameOf(file).service,
      tags: [['file', nameOf(file).file]],
      start: 0n,
      end: 0n,
      client: 'file',
      profiles: [{ name: basename(file), format: 'pprof', data: readFile(file) }],
    })),
  );
  for (const [index, { profiles }] of kept.entries()) {
    const refused = profiles.find(({ state }) => state === 'refused');
    if (refused) {
      throw new EverflameError(
        'NOT_A_PROFILE',
        `${files[index]} cannot be shown: ${refused.reason}. It takes pprof files, plain or compressed with gzip or Zstandard`,
      );
    }
  }
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const remedy =
      codeOf(error) === 'EISDIR' ? `Name the files in it: ${join(file, '*.pprof')}` : 'Check its name';
    throw new EverflameError('UNREADABLE', `cannot read ${file}: ${reasonOf(error)}. ${remedy}`, {
      cause: error,
    });
  }
}

function endingSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => resolve(signal));
  });
}
