import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, EngineOptions, Profile, StartReport } from './engine';
import { codeOf } from './log';
import { packageRoot } from './package-root';

/** As it is at the start: a program may take it away, or put another in its place. */
const { process } = globalThis;

/** As much as the headers take: linkers leave a binary's about ten program headers behind its own. */
const HEAD_BYTES = 4096;

/** The native sampler, as native/index.js exports it. */
export interface NativeBinding extends Omit<Engine, 'report' | 'flush' | 'flushSync'> {
  flush(encoding: 'gzip'): Promise<Profile>;
  flushSync(encoding: 'gzip', timeoutMilliseconds: number): Profile | null;
  start(options: EngineOptions): StartReport;
  attachThread(threadId: number, name: string): void;
  /** Whether somebody listens on this port of 127.0.0.1. */
  portAccepts(port: number): boolean;
  /** Called on the calling thread when a signal ends the process and the last profile is written; it waits for the other. */
  onLastProfile(call: () => void, tellsOfLoss: boolean): void;
  /** Whether such a signal has come, or `flushSync` has asked for the last profile and nobody since. */
  isEnding(): boolean;
  lastProfileIsSent(): void;
  /** The program is about to handle this signal; sampling goes on by another where it is ours. */
  giveUpSignal(signal: string): void;
  /** The program listens to this signal no more: the last profile is written where SIGINT, SIGTERM or SIGHUP ends it. */
  guardSignal(signal: string): void;
}

/** The binding, or one sentence that says why there is none. */
export type LoadedBinding = { ok: true; binding: NativeBinding } | { ok: false; reason: string };

/** The C library of a process. */
export type CLibrary = 'glibc' | 'musl' | 'unknown libc';

let loaded: LoadedBinding | undefined;

/**
 * Loads the native sampler on first use. Never throws: a platform without a binary is not an error. `outputPrefix`, where
 * profiles are to be written, is for the remedy.
 */
export function loadNative(outputPrefix?: string): LoadedBinding {
  loaded ??= load(outputPrefix);
  return loaded;
}

function load(outputPrefix: string | undefined): LoadedBinding {
  const library = libc();
  try {
    return { ok: true, binding: requireBinding(library) };
  } catch (error) {
    const { explainFailure } = require('./native-failure') as typeof import('./native-failure');
    return { ok: false, reason: explainFailure(error, library, outputPrefix) };
  }
}

/**
 * The binary of this platform: beside the generated loader in a checkout, else in a package of its own. Where the C
 * library is known that is decided here, as the generated loader would decide it. Without `ldd` (distroless images)
 * that one makes a diagnostic report to find the library, which takes milliseconds and leaves
 * `process.report.excludeNetwork` changed.
 */
function requireBinding(library: CLibrary): NativeBinding {
  const named = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  const tuple = platformTuple(library);
  if (named || tuple === undefined) {
    const elsewhere = require('./binary-elsewhere') as typeof import('./binary-elsewhere');
    return named ? elsewhere.requireNamed(named) : elsewhere.requireUnknown();
  }
  const file = localBinary(tuple);
  if (!existsSync(file)) return requireFile(packagedBinary(tuple));
  try {
    return requireFile(file);
  } catch (error) {
    try {
      return requireFile(packagedBinary(tuple));
    } catch (second) {
      // A file that is there and does not load says more than a package that is not there.
      throw codeOf(second) === 'MODULE_NOT_FOUND' ? error : second;
    }
  }
}

function requireFile(path: string): NativeBinding {
  assertWhole(path);
  return require(path) as NativeBinding;
}

/** The binary in the package of a platform, or the package's name, for which `require` has the right error. */
export function packagedBinary(tuple: string): string {
  const name = `everflame-${tuple}`;
  try {
    return require.resolve(name);
  } catch {
    return name;
  }
}

/** The platform as it stands in the names of binaries; undefined where there is none, or the C library is not known. */
export function platformTuple(library: CLibrary): string | undefined {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined;
  if (library === 'unknown libc') return undefined;
  return `linux-${process.arch}-${library === 'musl' ? 'musl' : 'gnu'}`;
}

/** Where a build puts the binary of a platform. */
export function localBinary(tuple: string): string {
  return join(packageRoot, 'native', `everflame.${tuple}.node`);
}

/** The C library of this process, by the loader that the kernel mapped for it. */
export function libc(): CLibrary {
  try {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    if (maps.includes('/ld-musl-')) return 'musl';
    return /\/libc[.-]/.test(maps) ? 'glibc' : 'unknown libc';
  } catch {
    // No Linux, or no /proc: the generated loader finds out in its own way.
    return 'unknown libc';
  }
}

/**
 * Throws where a file ends before the segments of its program headers do (elf(5)). dlopen(3) does not ask: it maps the file,
 * and to touch what is not there ends the process with SIGBUS (mmap(2)). Everything else it refuses in its own words.
 */
export function assertWhole(path: string): void {
  const length = lengthOf(path);
  if (length && length.size < length.needed) {
    throw new Error(`${path} is cut short: it has ${length.size} of at least ${length.needed} bytes`);
  }
}

/** Undefined where it is no library for 64 bits, little-endian, or cannot be read. */
function lengthOf(path: string): { size: number; needed: number } | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const head = Buffer.alloc(HEAD_BYTES);
    readSync(file, head);
    if (head.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined;
    const entry = head.readUInt16LE(54);
    // A library of another size of headers is refused.
    if (entry !== 56) return undefined;
    const first = Number(head.readBigUInt64LE(32));
    // What is not behind the header is at the end of the file, as patchelf leaves it.
    let needed = first + entry * head.readUInt16LE(56);
    for (let at = first, end = Math.min(needed, HEAD_BYTES); at + entry <= end; at += entry) {
      // p_offset and p_filesz.
      needed = Math.max(needed, Number(head.readBigUInt64LE(at + 8) + head.readBigUInt64LE(at + 32)));
    }
    return { size: fstatSync(file).size, needed };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
