import { readFileSync } from 'node:fs';
import process from 'node:process';

/** Why a process can have no delivery thread, and what to do to have one. */
export interface NoThread {
  reason: string;
  remedy: string;
}

/**
 * Bytes of addresses that must be left: the thread reserves 700 to 900 MiB in Node.js 20 to 26, and the program goes on. Where a
 * limit leaves less than is asked for, V8 ends the whole process, and no error tells of it before.
 */
const THREAD_BYTES = 1.5 * 1024 ** 3;

/** Where the process begins from a snapshot, what stands against a thread; its work can be done on the main thread. */
export function whyNoThread(): NoThread | undefined {
  return isFromSnapshot()
    ? {
        reason: 'a process that begins from a snapshot can have none in Node.js 22 to 25',
        remedy: 'Start it without one (--snapshot-blob), or by Node.js 26.',
      }
    : undefined;
}

/**
 * Why nothing may be sent by this process, neither on a thread nor on the main one, which would load as much: it would be the end of
 * the program. Undefined where it may.
 */
export function whyNoRoom(): string | undefined {
  const room = addressesLeft();
  if (room === undefined || room >= THREAD_BYTES) return undefined;
  const [left, wanted] = [room, THREAD_BYTES].map((bytes) => Math.round(bytes / 1024 ** 2));
  return `the address space is limited (ulimit -v), and ${left} MiB are left of it; raise the limit so that it is ${wanted}`;
}

/** What to do where a thread was started and has failed. */
export function remedyFor(reason: string): string {
  // Node.js asks for it on each thread.
  return reason.includes('uv_cwd')
    ? 'Start the program in a folder that stays.'
    : 'Allow worker threads (--allow-worker), or more threads.';
}

/**
 * Whether the process begins from a snapshot of the user's, and by a Node.js that aborts it there as soon as a worker loads
 * `node:net`: it makes the template of `ShutdownWrap` a second time (`IsolateData::set_shutdown_wrap_template`).
 */
function isFromSnapshot(): boolean {
  if (!/^2[2-5]\./.test(process.versions.node)) return false;
  const flags = [...process.execArgv, process.env.NODE_OPTIONS].join(' ');
  return /(^|\s)--snapshot-blob\b/.test(flags) && !/(^|\s)--build-snapshot\b/.test(flags);
}

/** Bytes that the process may still map (RLIMIT_AS); undefined where nothing limits them, or nobody can say. */
function addressesLeft(): number | undefined {
  const limit = numberIn('/proc/self/limits', /^Max address space\s+(\d+)/m);
  if (limit === undefined) return undefined;
  const used = numberIn('/proc/self/status', /^VmSize:\s*(\d+) kB/m);
  return used === undefined ? undefined : Math.max(0, limit - used * 1024);
}

function numberIn(path: string, pattern: RegExp): number | undefined {
  try {
    const [, digits] = pattern.exec(readFileSync(path, 'utf8')) ?? [];
    return digits === undefined ? undefined : Number(digits);
  } catch {
    // Not Linux, no /proc, or not allowed: the limit is as if there were none.
    return undefined;
  }
}
