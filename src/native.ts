import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, EngineOptions, StartReport } from './engine';
import { codeOf, messageOf } from './log';
import { packageRoot } from './package-root';

/** The native sampler, as native/index.js exports it. */
export interface NativeBinding extends Omit<Engine, 'report'> {
  start(options: EngineOptions): StartReport;
  attachThread(threadId: number, name: string): void;
}

/** The binding, or one sentence that says why there is none. */
export type LoadedBinding = { ok: true; binding: NativeBinding } | { ok: false; reason: string };

let loaded: LoadedBinding | undefined;

/** Loads the native sampler on first use. Never throws: a platform without a binary is not an error. */
export function loadNative(): LoadedBinding {
  loaded ??= load();
  return loaded;
}

function load(): LoadedBinding {
  try {
    return { ok: true, binding: require(join(packageRoot, 'native', 'index.js')) as NativeBinding };
  } catch (error) {
    return { ok: false, reason: explain(error) };
  }
}

function explain(error: unknown): string {
  const platform = describePlatform();
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    return `there is no native sampler for ${platform}; it exists for Linux on x64 and arm64`;
  }
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  if (override) {
    return `the native sampler named by NAPI_RS_NATIVE_LIBRARY_PATH, ${override}, could not be loaded on ${platform}: ${rootCause(error)}`;
  }
  const tuple = `linux-${process.arch}-${libc() === 'musl' ? 'musl' : 'gnu'}`;
  const file = join(packageRoot, 'native', `everflame.${tuple}.node`);
  const tried = `tried ${file}${existsSync(file) ? '' : ' (does not exist)'} and the package everflame-${tuple}`;
  return `the native sampler could not be loaded on ${platform} (${tried}): ${rootCause(error)}. Install without --omit=optional, or add everflame-${tuple}`;
}

function describePlatform(): string {
  const parts: string[] = [process.platform, process.arch];
  if (process.platform === 'linux') parts.push(libc());
  return `${parts.join(' ')}, Node.js ${process.version}`;
}

/** The C library of this process, by the loader that the kernel mapped for it. */
function libc(): 'glibc' | 'musl' | 'unknown libc' {
  try {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    if (maps.includes('/ld-musl-')) return 'musl';
    return /\/libc[.-]/.test(maps) ? 'glibc' : 'unknown libc';
  } catch {
    // Without /proc the name is only missing from a message.
    return 'unknown libc';
  }
}

/** The innermost cause: the generated loader wraps one error for each file it tried. */
function rootCause(error: unknown): string {
  let cause = error;
  let meaningful = error;
  while (cause instanceof Error) {
    // "Cannot find module" of the next candidate says less than a file that was there and did not load.
    if (codeOf(cause) !== 'MODULE_NOT_FOUND') meaningful = cause;
    cause = cause.cause;
  }
  return messageOf(meaningful).split('\n')[0] ?? '';
}
