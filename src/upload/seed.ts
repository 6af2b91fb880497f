import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ADDRESS_NAME, publicAddress, withoutUsers } from '../config/plain-text';
import type { ProfilerOptions } from '../config/resolve';
import { type Logger, reasonOf } from '../log';
import type { OutletOptions } from '../outlet';
import { absoluteFolder, makeFolder, mkdirIfMissing } from '../output/folder';
import { temporaryHome } from '../output/own-folder';
import { accountOf } from './account';
import type { Route } from './route';
import type { ExporterName } from './upload';

/** As it is at the start: a program may take it away, or put another in its place. */
const { process } = globalThis;

/**
 * What a process knows of itself at its start. From it the identity of its uploads is made, also by another process that finds
 * its profiles in the spool: so it stands beside them, without what is secret.
 */
export interface Seed {
  runtimeId: string;
  pid: number;
  /** By which the same process is known: its namespace of process numbers, and its start in the kernel's ticks. Linux only. */
  namespace: string | undefined;
  startTicks: number | undefined;
  /** Of the main script; undefined for `node -e` and the like. */
  script: string | undefined;
  workingDirectory: string;
  /** RFC 3339. */
  startTime: string;
  /** As `process.version`. */
  nodeVersion: string;
  activation: 'auto' | 'manual';
  exporters: readonly ExporterName[];
  /** Nobody had said where its profiles go. */
  isOpen?: boolean;
  /** Prefix of the files of `file` and `local`. */
  outputPrefix: string | undefined;
  options: ProfilerOptions;
  /** What delivery reads of the environment. */
  environment: Record<string, string>;
  /** How the process is profiled, for receivers. */
  settings: Record<string, unknown>;
}

/** The file beside the profiles of a process in the spool. */
export const SEED_FILE = 'process.json';
/** Name of its profiles there, before number and ending. */
export const SPOOLED_PREFIX = 'profile';

/** Variables that delivery may read. */
const READ = /^(DD_|EVERFLAME_|PYROSCOPE_|OTEL_|AWS_LAMBDA_FUNCTION_NAME$)/;
/** Flags with which the first argument is no script. */
const EVALUATED = / (-e|-p|-pe|--eval|--print)[ =]/;
const PLAIN = new Set(['string', 'number', 'boolean']);
const SECRET = /KEY|TOKEN|PASSWORD|SECRET|HEADERS/i;
/** Of passwords not even a mark is kept: people choose them. */
const MARKED = /API_?KEY|TOKEN|HEADERS/i;
const REPOSITORY = /GIT.*URL/i;

/** The seed of this process, as its profiler is set. `outputPrefix` is of the files that it writes. */
export function seedOfProfiler(
  { configuration, options, isPreloaded }: OutletOptions,
  { exporters, isOpen }: Route,
  outputPrefix: string | undefined,
): Seed {
  const { rate, period, timeline, maxFrames, nativeFrames, engine, memoryCap } = configuration;
  const settings = { rate, period, timeline, maxFrames, nativeFrames, engine, memoryCap };
  const activation = isPreloaded ? 'auto' : 'manual';
  return { ...seedOf(activation, exporters, outputPrefix, options, settings), isOpen };
}

/** Everything about this process that can be told without looking anything up. */
export function seedOf(
  activation: Seed['activation'],
  exporters: readonly ExporterName[],
  outputPrefix: string | undefined,
  options: ProfilerOptions,
  settings: Seed['settings'],
): Seed {
  const { environment, ...program } = ownProgram();
  return {
    runtimeId: ownRuntimeId(),
    pid: process.pid,
    namespace: pidNamespace(),
    startTicks: startTicks('self'),
    ...program,
    startTime: new Date(Date.now() - process.uptime() * 1000).toISOString(),
    nodeVersion: process.version,
    activation,
    exporters,
    outputPrefix,
    settings,
    options: plainOptions(options),
    environment,
  };
}

/** A working directory that is gone has no path. */
function here(): string {
  try {
    return resolve('.');
  } catch {
    return '/';
  }
}

function ownProgram(): Pick<Seed, 'script' | 'workingDirectory' | 'environment'> {
  const script = EVALUATED.test(` ${process.execArgv.join(' ')} `) ? undefined : process.argv[1];
  const workingDirectory = here();
  const environment = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => READ.test(entry[0])),
  );
  const own = { script, workingDirectory, environment };
  // Else it is not loaded: the start of a program reads this file.
  if (!process.env.pm2_env && !process.env.pm_exec_path) return own;
  const { startedByPm2, withoutForeignParent } =
    require('../provenance/pm2') as typeof import('../provenance/pm2');
  const started = startedByPm2(script, process.env, workingDirectory);
  return started ? { ...started, environment: withoutForeignParent(script, environment) } : own;
}

/** What another thread can be given, and a file. Anything else cannot be used, and was told of. */
function plainOptions({ tags, ...options }: ProfilerOptions): ProfilerOptions {
  const plain = Object.fromEntries(
    Object.entries(options).filter(([, value]) => Array.isArray(value) || PLAIN.has(typeof value)),
  ) as ProfilerOptions;
  if (tags !== undefined) plain.tags = plainTags(tags);
  return plain;
}

/** The object as it is now, whatever the program does to it later. A value that is no text is told of where tags are read. */
function plainTags(tags: NonNullable<ProfilerOptions['tags']>): ProfilerOptions['tags'] {
  if (Array.isArray(tags)) return [] as never;
  if (typeof tags !== 'object') return PLAIN.has(typeof tags) ? tags : undefined;
  try {
    const entries = Object.entries(tags).map(([key, value]): [string, string] => [
      key,
      PLAIN.has(typeof value) || typeof value === 'bigint' ? String(value) : '',
    ]);
    return Object.fromEntries(entries);
  } catch {
    // A getter or a Proxy of the program's own threw.
    return undefined;
  }
}

/** The same for the disk: without keys, tokens, passwords, and users and queries in addresses. That there was one is still to be seen. */
export function withoutSecrets(seed: Seed): Seed {
  const clean = (entries: object): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(entries).map(([name, value]: [string, unknown]) => {
        if (SECRET.test(name)) return [name, value === undefined ? undefined : hiddenFor(name, value)];
        return [name, typeof value === 'string' ? publicText(name, value) : value];
      }),
    );
  return {
    ...seed,
    options: clean(seed.options) as ProfilerOptions,
    environment: clean(seed.environment) as Record<string, string>,
  };
}

/** A repository is named by its address, in which a user may be a part of it: one without a secret stays as it is. */
function publicText(name: string, value: string): string {
  if (REPOSITORY.test(name)) {
    // Only here: few set it, and the start of a program reads this file.
    const { publicRepositoryUrl } =
      require('../provenance/repository-url') as typeof import('../provenance/repository-url');
    return publicRepositoryUrl(value) ?? 'hidden';
  }
  return ADDRESS_NAME.test(name) ? publicAddress(value) : withoutUsers(value);
}

/**
 * Whoever finds it must be able to read it: headers are pairs, and of others a warning is said. And what could not be used
 * cannot be used then either, so that both find the same receiver. What waits for one account is not sent to another.
 */
function hiddenFor(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value : undefined;
  const mark = MARKED.test(name) ? accountOf(text) : undefined;
  const hidden = mark === undefined ? 'hidden' : `hidden-${mark}`;
  if (/HEADERS/i.test(name)) return `hidden=${hidden}`;
  if (text !== undefined && /^[!-~]+$/.test(text.trim())) return hidden;
  return typeof value === 'string' && !/[\r\n]/.test(value.trim()) ? 'hidden hidden' : 'hidden\nhidden';
}

/**
 * Makes the folder of this process in the spool, with its seed in it, and returns the folder. Throws the system's error where
 * it cannot be made.
 */
export function makeSpoolFolder(spool: string, seed: Seed): string {
  const folder = join(spool, seed.runtimeId);
  makeFolder(spool);
  // It may be there from an earlier start in this process.
  mkdirIfMissing(folder, 0o700);
  writeFileSync(join(folder, SEED_FILE), JSON.stringify(withoutSecrets(seed)), { mode: 0o600 });
  return folder;
}

/** The spool and the folder of this process in it; undefined where there can be none, which is said. */
export function openSpool(
  named: string | undefined,
  seed: Seed,
  logger: Logger,
): { root: string; folder: string } | undefined {
  let root = named ?? '';
  try {
    root = root === '' ? defaultSpool() : absoluteFolder(root);
    const folder = makeSpoolFolder(root, seed);
    if (named?.includes('\ufffd')) {
      const { oddNameWarning } = require('../output/odd-folder') as typeof import('../output/odd-folder');
      logger.warn(oddNameWarning(root, 'EVERFLAME_SPOOL_DIR'));
    }
    return { root, folder };
  } catch (error) {
    logger.warn(
      `profiles that cannot be sent are not kept${root ? ` in ${root}` : ''}: ${reasonOf(error)}. They wait in memory and are lost with the process. Name a folder that can be written with EVERFLAME_SPOOL_DIR=<dir>, or set EVERFLAME_SPOOL=off.`,
    );
    return undefined;
  }
}

/** The spool, where no folder is named. */
export function defaultSpool(): string {
  return join(temporaryHome(), 'spool');
}

/**
 * The namespace of process numbers that this process is in, and of which machine: the first one of each has the same name
 * (proc_ns.h, PROC_PID_INIT_INO), and machines may share a spool.
 */
export function pidNamespace(): string | undefined {
  try {
    const machine = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${machine} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** When a process started, in the kernel's ticks since its own start (proc(5), stat, field 22); undefined where there is none. */
export function startTicks(pid: number | 'self'): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // One that has ended stays until its parent has asked how.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}

let own: { pid: number; id: string } | undefined;

/** One for the whole life of a process, however often profiling is switched on; a fork(2) or a snapshot has its own. */
function ownRuntimeId(): string {
  if (own?.pid !== process.pid) own = { pid: process.pid, id: randomId() };
  return own.id;
}

/** A UUID by the kernel: to load `node:crypto` for it takes milliseconds of the program's start. */
function randomId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim();
  } catch {
    return (require('node:crypto') as typeof import('node:crypto')).randomUUID();
  }
}
