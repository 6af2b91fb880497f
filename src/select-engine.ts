import { threadId } from 'node:worker_threads';
import type { Configuration } from './config/settings';
import {
  type Engine,
  type EngineMetrics,
  type EngineOptions,
  type EngineStatus,
  type Profile,
  type SourceMapFailure,
  type StartReport,
  threadName,
  type WriteFailure,
} from './engine';
import { type Logger, reasonOf } from './log';
import { loadNative, type NativeBinding } from './native';

/** As it is at the start: a program may take it away, or put another in its place. */
const { process } = globalThis;

/** What an engine is started with, as far as the settings say it. */
export function engineOptions(configuration: Configuration): EngineOptions {
  const { signal, rate, memoryCap, ...rest } = configuration;
  const { engine, maxFrames, timeline, wall, cpu, nativeFrames, sourceMaps } = rest;
  return {
    engine,
    ...(signal === 'auto' ? {} : { signal: signal.toUpperCase() }),
    intervalNanoseconds: Math.round(1e9 / rate),
    maxFrames,
    timeline,
    wall,
    cpu,
    nativeFrames,
    sourceMaps,
    memoryCapBytes: memoryCap,
  };
}

/**
 * Starts the engine that was asked for. With `auto` the native sampler is tried first, and V8's profiler takes over
 * with one line that says why. Throws an EverflameError where a forced engine cannot start.
 */
export function startEngine(options: EngineOptions, logger: Logger): Engine {
  // Loaded only where it is used: the native sampler needs neither the inspector nor an encoder in JavaScript.
  const inspector = (): typeof import('./inspector/start') =>
    require('./inspector/start') as typeof import('./inspector/start');
  if (options.engine === 'inspector') return inspector().startForced(options);
  const native = startNative(options);
  if (native.ok) return native.engine;
  if (options.engine !== 'auto') {
    const { engineUnavailable } = require('./native-failure') as typeof import('./native-failure');
    throw engineUnavailable(options.engine, native.reason, native.error);
  }
  return inspector().startInstead(options, native.reason, logger);
}

type NativeStart = { ok: true; engine: Engine } | { ok: false; reason: string; error?: unknown };

function startNative(options: EngineOptions): NativeStart {
  const loaded = loadNative(options.outputPrefix);
  if (!loaded.ok) return loaded;
  const { binding } = loaded;
  let report: StartReport;
  try {
    report = binding.start(options);
  } catch (error) {
    return { ok: false, reason: reasonOf(error), error };
  }
  try {
    binding.attachThread(threadId, threadName(threadId));
    // With an output the sampler does so by itself.
    for (const signal of options.guardedSignals ?? []) binding.guardSignal(signal);
  } catch (error) {
    // The samples taken so far hold no JavaScript; the engine that takes over begins anew.
    binding.stop().catch(() => undefined);
    return { ok: false, reason: reasonOf(error), error };
  }
  return { ok: true, engine: new NativeEngine(binding, report, options) };
}

/** The native sampler behind the interface that both engines share. */
class NativeEngine implements Engine {
  private stopped = false;
  /** Whether it has a place for profiles that nobody comes for. */
  private writes: boolean;

  constructor(
    private readonly binding: NativeBinding,
    readonly report: StartReport,
    { outputPrefix, guardedSignals }: EngineOptions,
  ) {
    this.writes = outputPrefix !== undefined;
    try {
      // The limit is for the program's own listeners. Undefined, it is the default of all emitters.
      const emitter = process as { _maxListeners?: number | undefined };
      const limit = emitter._maxListeners;
      process.setMaxListeners(0);
      // Node.js handles a signal in a listener of its own to this event: before that, ours is to be another.
      (process as NodeJS.EventEmitter).prependListener('newListener', this.onNewListener);
      // And it gives a signal back in a listener to this one: after that, the signal is to be guarded again.
      if (guardedSignals) process.on('removeListener', this.onRemoveListener);
      emitter._maxListeners = limit;
    } catch {
      // Frozen: the program can listen to no signal either.
    }
  }

  private readonly onNewListener = (event: string | symbol): void => {
    if (typeof event === 'string' && event.startsWith('SIG')) this.binding.giveUpSignal(event);
  };

  private readonly onRemoveListener = (event: string | symbol): void => {
    if (typeof event === 'string' && event.startsWith('SIG') && process.listenerCount(event) === 0) {
      this.binding.guardSignal(event);
    }
  };

  flush(): Promise<Profile> {
    return this.binding.flush('gzip');
  }

  flushSync(timeoutMilliseconds: number): Profile | null {
    return this.binding.flushSync('gzip', timeoutMilliseconds);
  }

  waitForSignal(): boolean {
    return this.binding.waitForSignal();
  }

  liveOn(): void {
    this.binding.liveOn();
  }

  takeUndelivered(): Profile[] {
    return this.binding.takeUndelivered();
  }

  claimProfile(sequence: number): boolean {
    // Without a place of its own it keeps none, and so it has written none.
    return !this.writes || this.binding.claimProfile(sequence);
  }

  forgetProfile(sequence: number): void {
    this.binding.forgetProfile(sequence);
    if (this.stopped) process.removeListener('removeListener', this.onRemoveListener);
  }

  writeTo(prefix: string): void {
    this.binding.writeTo(prefix);
    this.writes = true;
  }

  takeWriteFailure(): WriteFailure | null {
    return this.binding.takeWriteFailure();
  }

  takeSourceMapFailures(): SourceMapFailure[] {
    return this.binding.takeSourceMapFailures();
  }

  stop(): Promise<Profile> {
    process.removeListener('newListener', this.onNewListener);
    // A signal ends the process with the last profile until that is written.
    this.stopped = true;
    return this.binding.stop();
  }

  metrics(): EngineMetrics {
    return this.binding.metrics();
  }

  status(): EngineStatus {
    return this.binding.status();
  }
}
