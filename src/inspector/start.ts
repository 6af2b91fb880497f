import { type Engine, type EngineOptions, EverflameError } from '../engine';
import { codeOf, type Logger, reasonOf } from '../log';
import { flagsToReadPackages } from '../permission';

/** V8's profiler where it was asked for. Throws an EverflameError where it cannot start. */
export function startForced(options: EngineOptions): Engine {
  return start(options, 'EVERFLAME_ENGINE=inspector', failure);
}

/**
 * V8's profiler in the place of the native sampler, which `reason` keeps from starting, with one line that says what is missing
 * then. Throws as above, and where no thread can be started: V8's profiler needs one, and ends the process where it gets none.
 */
export function startInstead(options: EngineOptions, reason: string, logger: Logger): Engine {
  if (reason.startsWith('a thread of the profiler could not be started')) {
    throw new EverflameError('NO_THREAD', reason);
  }
  const engine = start(
    options,
    reason,
    (error) =>
      `${reason}. V8's own profiler, which takes over then, cannot start either (${reasonOf(error)})`,
  );
  logger.warn(
    `native code, native threads and executing lines of callers are missing from the profile, because V8's own profiler is used: ${reason}.`,
  );
  return engine;
}

/** `explain` makes the message of the error. */
function start(options: EngineOptions, reason: string, explain: (error: unknown) => string): Engine {
  try {
    // Node.js without an inspector, or one that may not use it, throws when this is loaded.
    const { InspectorEngine } = require('./engine') as typeof import('./engine');
    return new InspectorEngine(options, reason);
  } catch (error) {
    throw new EverflameError('INSPECTOR_UNAVAILABLE', explain(error), { cause: error });
  }
}

function failure(error: unknown): string {
  const reason = `V8's profiler cannot start in this Node.js (${reasonOf(error)})`;
  if (codeOf(error) !== 'ERR_ACCESS_DENIED') return `${reason}. Use a Node.js built with the inspector`;
  const read = flagsToReadPackages();
  // Node.js 24 is the first whose permission model can allow the inspector.
  const allow = process.allowedNodeEnvironmentFlags.has('--allow-inspector')
    ? `Start Node.js with ${['--allow-inspector', ...read].join(' ')}, or use`
    : 'Use';
  return `${reason}. ${allow} the native sampler with ${['--allow-addons', ...read].join(' ')} and --engine auto`;
}
