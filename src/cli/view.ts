import { basename, join, resolve } from 'node:path';
import { type Collector, startCollector } from '../collector/collector';
import { notShown } from '../collector/import';
import type { FolderStore } from '../collector/native-store';
import { readSetting } from '../config/resolve';
import { EverflameError } from '../engine';
import { Files, type ShownFile } from '../import/files';
import { openFilesStore } from '../import/files-store';
import { IMPORT_LIMITS, OF_COMMAND } from '../import/limits';
import { NotImportable } from '../import/not-importable';
import { readWithin } from '../import/read-within';
import { namesOf } from '../import/service-names';
import { codeOf, Logger, reasonOf } from '../log';
import { openBrowser } from './open-browser';
import { openStore, type StoreOptions } from './open-store';
import { pageAddress } from './page-address';
import { givenToken } from './token';
import { visible } from './visible';

/** Milliseconds that the page shows at the least. */
const LEAST_RANGE = 1000;

export interface ViewOptions extends StoreOptions {
  host: string;
  port: number;
  socket?: string;
  /** Names beside localhost by which the page is asked for. */
  name?: string[];
  token?: string;
  /** Whether everybody who may ask is given source files. */
  source?: boolean;
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
      ...(shown.files === undefined ? {} : { files: shown.files }),
      logger,
      host: options.host,
      port: options.port,
      ...(options.socket === undefined ? {} : { socketPath: resolve(options.socket) }),
      ...(options.name === undefined ? {} : { names: options.name }),
      ...(token === undefined ? {} : { token }),
      ...(options.source === undefined ? {} : { source: options.source }),
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
  files?: Files;
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

/** How files are called in a store that holds all of them under one name. */
export interface FileName {
  service: string;
  /** Its tag `file`. */
  path: string;
}

/** A store of these files, which goes when it is closed. Without `nameOf` each is a service of its own. */
export async function storeOfFiles(
  paths: string[],
  logger: Logger,
  nameOf?: (file: string) => FileName,
): Promise<Shown> {
  const opened = openFilesStore(logger);
  const files = new Files(() => opened, OF_COMMAND);
  const close = async (): Promise<void> => {
    await files.close();
    // Where no file was taken, nobody has it yet.
    await opened.close();
  };
  try {
    const [first] = await (nameOf ? addAll(files, paths, nameOf) : addFiles(files, paths, logger));
    return {
      store: opened.store,
      files,
      range: first === undefined ? {} : rangeOf(first),
      lines: () => ['Ctrl+C ends it; the files stay as they are'],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the page shows first: the first file, whose time need not be today. */
function rangeOf({ service, from, to }: ShownFile): Record<string, string> {
  const first = Math.floor(from);
  // A profile that does not say how long it took is of an instant.
  return { service, from: String(first), to: String(Math.max(Math.ceil(to) + 1, first + LEAST_RANGE)) };
}

/**
 * Each file is a service of its name. Of several, those that cannot be shown are told, and keep no other from it: Node.js itself writes
 * profiles without a sample. Throws an EverflameError where none can be shown.
 */
async function addFiles(files: Files, paths: string[], logger: Logger): Promise<ShownFile[]> {
  const wholePaths = [...new Set(paths.map((path) => resolve(path)))];
  const names = namesOf(wholePaths);
  const shown: ShownFile[] = [];
  const refused: EverflameError[] = [];
  const refuse = (error: unknown): undefined => {
    if (!(error instanceof EverflameError)) throw error;
    refused.push(error);
  };
  for (const path of wholePaths) {
    const service = names.get(path) as string;
    const given = paths.find((one) => resolve(one) === path) as string;
    const file = await addFile(files, given, { service, path }).catch((error) => refuse(error));
    if (file === undefined) continue;
    if (file.again) logger.notice(visible(`${service} is the same as ${file.service}, and is shown once`));
    else if (file.service !== service) logger.notice(visible(`${service} is shown as ${file.service}`));
    shown.push(file);
  }
  const [first] = refused;
  if (first && shown.length === 0) throw first;
  for (const { message } of refused) logger.warn(visible(message));
  return shown;
}

async function addAll(
  files: Files,
  paths: string[],
  nameOf: (file: string) => FileName,
): Promise<ShownFile[]> {
  const shown: ShownFile[] = [];
  for (const path of new Set(paths))
    shown.push(await addFile(files, path, { ...nameOf(path), isShared: true }));
  return shown;
}

async function addFile(
  files: Files,
  given: string,
  called: FileName & { isShared?: boolean },
): Promise<ShownFile> {
  try {
    return await files.add({ name: basename(given), ...called, ...readFile(given) });
  } catch (error) {
    if (!(error instanceof NotImportable)) throw error;
    throw new EverflameError('NOT_A_PROFILE', notShown(given, error).replace(/\.$/, ''), { cause: error });
  }
}

function readFile(file: string): { data: Buffer; modified: number } {
  try {
    return readWithin(file, IMPORT_LIMITS.bytes);
  } catch (error) {
    if (error instanceof NotImportable) throw error;
    const remedy = codeOf(error) === 'EISDIR' ? `Name the files in it: ${join(file, '*')}` : 'Check its name';
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
