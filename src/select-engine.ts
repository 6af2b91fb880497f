import { threadId } from 'node:worker_threads';
import {
  type Encoding,
  type Engine,
  type EngineMetrics,
  type EngineOptions,
  type EngineStatus,
  EverflameError,
  type Profile,
  type StartReport,
  threadName,
} from './engine';
import { type Logger, messageOf } from './log';
import { loadNative, type NativeBinding } from './native';

/**
 * Starts the engine that was asked for. With `auto` the native sampler is tried first, and V8's profiler takes over
 * with one line that says why. Throws an EverflameError where a forced engine cannot start.
 */
export function startEngine(options: EngineOptions, logger: Logger): Engine {
  if (options.engine === 'inspector') return startInspector(options, 'EVERFLAME_ENGINE=inspector');
  const native = startNative(options);
  if (native.ok) return native.engine;
  if (options.engine !== 'auto') {
    throw new EverflameError(
      'ENGINE_UNAVAILABLE',
      `the engine ${options.engine} cannot start: ${native.reason}. Let Everflame choose with --engine auto, EVERFLAME_ENGINE=auto or the option engine: "auto"`,
      { cause: native.error },
    );
  }
  const engine = startInspector(options, native.reason);
  logger.warn(
    `native code, native threads and executing lines of callers are missing from the profile, because V8's own profiler is used: ${native.reason}.`,
  );
  return engine;
}

type NativeStart = { ok: true; engine: Engine } | { ok: false; reason: string; error?: unknown };

function startNative(options: EngineOptions): NativeStart {
  const loaded = loadNative();
  if (!loaded.ok) return loaded;
  const { binding } = loaded;
  let report: StartReport;
  try {
    report = binding.start(options);
  } catch (error) {
    return { ok: false, reason: withoutFullStop(messageOf(error)), error };
  }
  try {
    binding.attachThread(threadId, threadName(threadId));
  } catch (error) {
    // The samples taken so far hold no JavaScript; the engine that takes over begins anew.
    binding.stop().catch(() => undefined);
    return { ok: false, reason: withoutFullStop(messageOf(error)), error };
  }
  return { ok: true, engine: new NativeEngine(binding, report) };
}

function startInspector(options: EngineOptions, reason: string): Engine {
  try {
    // Loaded only here: the native sampler needs neither the inspector nor an encoder in JavaScript.
    const { InspectorEngine } = require('./inspector/engine') as typeof import('./inspector/engine');
    return new InspectorEngine(options, reason);
  } catch (error) {
    throw new EverflameError(
      'INSPECTOR_UNAVAILABLE',
      `V8's profiler cannot start in this Node.js (${messageOf(error)}). Use a Node.js built with the inspector`,
      { cause: error },
    );
  }
}

/** The native sampler behind the interface that both engines share. */
class NativeEngine implements Engine {
  constructor(
    private readonly binding: NativeBinding,
    readonly report: StartReport,
  ) {
    // Node.js handles a signal in a listener of its own to this event: before that, ours is to be another.
    (process as NodeJS.EventEmitter).prependListener('newListener', this.onNewListener);
  }

  private readonly onNewListener = (event: string | symbol): void => {
    if (typeof event === 'string' && event.startsWith('SIG')) this.binding.giveUpSignal(event);
  };

  flush(encoding: Encoding): Promise<Profile> {
    return this.binding.flush(encoding);
  }

  flushSync(encoding: Encoding, timeoutMilliseconds: number): Profile | null {
    return this.binding.flushSync(encoding, timeoutMilliseconds);
  }

  takeUndelivered(): Profile[] {
    return this.binding.takeUndelivered();
  }

  stop(): Promise<Profile> {
    process.removeListener('newListener', this.onNewListener);
    return this.binding.stop();
  }

  metrics(): EngineMetrics {
    return this.binding.metrics();
  }

  status(): EngineStatus {
    return this.binding.status();
  }
}

function withoutFullStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
