import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { elfHeader, HEADER_BYTES, MACHINES, readHead } from './elf';
import { EverflameError } from './engine';
import { codeOf, messageOf, reasonOf } from './log';
import { type CLibrary, localBinary, platformTuple } from './native';
import { packageRoot } from './package-root';
import { flagsToWrite, flagToRead, isRestricted, isUnreadable } from './permission';

/**
 * One sentence for a native sampler that did not load: what was tried, what went wrong, and what mends it. `outputPrefix` is
 * where profiles are to be written, if anywhere.
 */
export function explainFailure(error: unknown, library: CLibrary, outputPrefix: string | undefined): string {
  const platform = describePlatform(library);
  if (process.platform !== 'linux' || MACHINES[process.arch] === undefined) {
    return `there is no native sampler for ${platform}; it exists for Linux on x64 and arm64`;
  }
  const tuple = platformTuple(library) ?? `linux-${process.arch}-gnu`;
  const cause = rootCause(error);
  const reason = reasonOf(cause).split('\n')[0] ?? '';
  if (isRefused(cause)) {
    return `Node.js may not load the native sampler on ${platform}: ${reason}. ${remedyForRefused(outputPrefix)}`;
  }
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  if (override) {
    const remedy = isCutShort(reason)
      ? 'Remove it and install it again, or'
      : `Let it name an everflame.${tuple}.node that loads here, or`;
    return `the native sampler named by NAPI_RS_NATIVE_LIBRARY_PATH, ${override}, could not be loaded on ${platform}: ${reason}. ${remedy} unset it`;
  }
  const local = localBinary(tuple);
  const tried = `tried ${local}${existsSync(local) ? '' : ' (does not exist)'} and the package everflame-${tuple}`;
  const remedy = isMissing(cause) ? remedyForMissing(tuple) : remedyForBroken(reason, binaryOf(tuple), tuple);
  return `the native sampler could not be loaded on ${platform} (${tried}): ${reason}. ${remedy}`;
}

/** For an engine of the native sampler that was asked for and cannot start. */
export function engineUnavailable(engine: string, reason: string, cause: unknown): EverflameError {
  return new EverflameError(
    'ENGINE_UNAVAILABLE',
    `the engine ${engine} cannot start: ${reason}. Let Everflame choose with --engine auto, EVERFLAME_ENGINE=auto or the option engine: "auto"`,
    { cause },
  );
}

/**
 * Whether Node.js itself forbids addons, or the permission model to read the file. By the message: the generated loader
 * copies errors without their code.
 */
function isRefused(cause: unknown): boolean {
  return (
    /loading addons is disabled|Access to this API has been restricted/.test(messageOf(cause)) ||
    isUnreadable(join(packageRoot, 'native'))
  );
}

/** All the flags at once: a line that named one after the other would need a start for each. */
function remedyForRefused(outputPrefix: string | undefined): string {
  if (!isRestricted) return 'Start it without --no-addons';
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  const flags = ['--allow-addons', flagToRead];
  if (override) flags.push(`--allow-fs-read=${resolve(override)}`);
  const forProfiles =
    outputPrefix === undefined ? '' : ` and, for the profiles, ${flagsToWrite(outputPrefix).join(' ')}`;
  return `Start it with ${flags.join(' ')}${forProfiles}`;
}

/** Whether this is a checkout with the sources of the sampler, not an installed package. */
function isCheckout(): boolean {
  return existsSync(join(packageRoot, 'Cargo.toml'));
}

function remedyForMissing(tuple: string): string {
  return isCheckout()
    ? 'Build it with "npm run build"'
    : `Install without --omit=optional, or add everflame-${tuple}`;
}

/** What mends a file that is there and does not load. */
function remedyForBroken(reason: string, file: string, tuple: string): string {
  const machine = machineOf(file);
  if (machine !== undefined && machine !== MACHINES[process.arch]) {
    const what = machine === 'not ELF' ? 'damaged or no Linux library' : 'for another kind of processor';
    const remedy =
      isCheckout() && file === localBinary(tuple)
        ? 'build it for this machine with "npm run build"'
        : 'remove it and install again on this machine, as a copied node_modules brings the files of the other one';
    return `${file} is ${what}: ${remedy}`;
  }
  if (isCutShort(reason)) {
    return isCheckout() ? 'Build it again with "npm run build"' : 'Remove it and install it again';
  }
  if (/version `GLIBC/.test(reason)) {
    return 'The C library of this system is older than the binary needs: use a newer system, or build the binary on this one (docs/platforms.md)';
  }
  const missing = /^([^\s/:]+\.so[^\s:]*): cannot open shared object file/.exec(reason)?.[1];
  if (missing) return `Install the system's package that has ${missing}`;
  if (/failed to map segment/.test(reason)) {
    return `${file} may not be run: it is on a file system mounted with noexec, or memory is out`;
  }
  if (/EACCES|[Pp]ermission denied/.test(reason)) return `Give this user the right to read ${file}`;
  return 'Install it again, or build it on this machine (docs/platforms.md)';
}

/** Whether a binary was not loaded because a part of it is missing. */
function isCutShort(reason: string): boolean {
  return /is cut short: it has/.test(reason);
}

/** The file that was loaded last: that of a build, else that of the package. */
function binaryOf(tuple: string): string {
  const local = localBinary(tuple);
  if (existsSync(local)) return local;
  try {
    return require.resolve(`everflame-${tuple}`);
  } catch {
    // The package has no file to load: its name is all there is to say.
    return `everflame-${tuple}`;
  }
}

/** For which processor a file is, or undefined where it cannot be read. */
function machineOf(file: string): number | 'not ELF' | undefined {
  try {
    return elfHeader(readHead(file, HEADER_BYTES))?.machine ?? 'not ELF';
  } catch {
    return undefined;
  }
}

function describePlatform(library: CLibrary): string {
  const parts: string[] = [process.platform, process.arch];
  if (process.platform === 'linux') parts.push(library);
  return `${parts.join(' ')}, Node.js ${process.version}`;
}

/** The innermost cause: the generated loader wraps one error for each file it tried. */
function rootCause(error: unknown): unknown {
  let cause = error;
  let meaningful = error;
  while (cause instanceof Error) {
    // "Cannot find module" of the next candidate says less than a file that was there and did not load.
    if (!isMissing(cause) || meaningful === error) meaningful = cause;
    cause = cause.cause;
  }
  return meaningful;
}

/** Whether the error is that of a file or package that is not there. The generated loader copies it without its code. */
function isMissing(error: unknown): boolean {
  return codeOf(error) === 'MODULE_NOT_FOUND' || messageOf(error).startsWith('Cannot find module');
}
