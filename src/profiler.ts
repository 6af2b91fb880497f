import { existsSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { type ProfilerOptions, resolveConfiguration } from './config/resolve';
import type { Configuration } from './config/settings';
import {
  type Engine,
  type EngineMetrics,
  EverflameError,
  type Feature,
  type Profile,
  type StartReport,
  type ThreadStatus,
} from './engine';
import { listenLastToExit } from './exit-listener';
import { Logger, messageOf, reasonOf } from './log';
import { loadNative } from './native';
import { Outlet, type OutletCounters } from './outlet';
import { autoPath } from './package-root';
import { clearRunning, running, setRunning } from './running';
import { engineOptions, startEngine } from './select-engine';
import { AGENT_PORT, AGENT_SOCKET } from './upload/route';
import type { ExporterName, SnapshotReason } from './upload/upload';
import { planWorkers, watchWorkers } from './workers/watch';

/** As they are at the start: a program may take them away, or put others in their place. */
const { clearInterval, process, setInterval } = globalThis;

/** Signals that end a process unless it listens to them: the native sampler writes the last profile then. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/**
 * The last profile may take so long to be made and written down, whatever the limit for the end of the process: it takes some
 * milliseconds, and what is not made cannot wait in the spool.
 */
const MAKING_MILLISECONDS = 250;

/** Flags that preload the profiler, as Node.js takes them. One in other words is not seen, and costs a worker a second look. */
const PRELOAD = /(?:^|\s)(?:-r|--require|--import)[\s=]\S*(?:everflame[\\/]auto|dist[\\/]src[\\/]auto)\b/;

/** Who starts a profiler: a program by hand, or the preload before the program. */
export type Origin = 'code' | 'preload';

/** The profiler that runs in this process, if it is one of this copy of the package. */
export function runningProfiler(): Profiler | undefined {
  const profiler = running();
  return profiler instanceof Profiler && !profiler.isEnding ? profiler : undefined;
}

/** What a profiler is doing. */
export interface ProfilerStatus {
  running: boolean;
  /** Why the last `start()` could not, with the remedy, as its error line says; undefined where it could. */
  failure: string | undefined;
  /** Where profiles go; empty while stopped. */
  exporters: readonly ExporterName[];
  /** Prefix of the files written, or undefined where none are. */
  output: string | undefined;
  /** By which receivers know this process; undefined where nothing is sent. */
  runtimeId: string | undefined;
  /** Samples a second. */
  rate: number;
  /** Seconds between two profiles. */
  period: number;
  /** Which engine runs and why the others do not; undefined while stopped. */
  start: StartReport | undefined;
  /** The threads being profiled; empty while stopped. */
  threads: ThreadStatus[];
  /** What the stacks hold and what not, and why; empty while stopped. */
  features: Feature[];
}

/** Counters of the profiler itself. */
export interface Metrics extends EngineMetrics, OutletCounters {
  /** Profiles that the engine could not make. */
  profiles: { failures: number };
}

/**
 * The profiler of this process. One runs at a time; it sees every thread.
 *
 * Options left out come from the environment (docs/configuration.md). A profile goes to each exporter every period and when the
 * process ends. Without exporters `flush()` and `stop()` alone hand profiles out.
 */
export class Profiler {
  private readonly configuration: Configuration;
  private readonly options: ProfilerOptions;
  private readonly logger: Logger;
  private readonly origin: Origin;
  /** Whether workers load the preload by themselves. Of a start by hand none does, nor by what is set in the environment since. */
  private readonly inheritsPreload: boolean;
  /** A fork(2) of this process has this object, and none of the threads behind it. */
  private readonly pid = process.pid;
  /** Whether the code names an engine, and not the environment. */
  private readonly namesEngine: boolean;
  private failure: string | undefined;
  private engine: Engine | undefined;
  /** Whether `stop` was called and its profile is not there yet. */
  private ending = false;
  /** The engine that `stop` has asked for its last profile, until that is there. */
  private stopping: Engine | undefined;
  private outlet: Outlet | undefined;
  private timer: NodeJS.Timeout | undefined;
  private unwatchWorkers: (() => void) | undefined;
  private leaveChildren: (() => void) | undefined;
  private failures = 0;
  private lastFailure: string | undefined;
  /** Times that sampling had ceased, as far as that was said. */
  private stops = 0;
  private lastMetrics: EngineMetrics = { counters: {}, handler: [] };
  /** The flush that runs, or the last one: the next waits for it. */
  private current: Promise<unknown> = Promise.resolve();
  private ignoreExit: (() => void) | undefined;

  /** `origin` is for the preload; leave it out. */
  constructor(options?: ProfilerOptions, origin: Origin = 'code') {
    const { configuration, options: plain, warnings } = resolveConfiguration(options, process.env);
    this.configuration = configuration;
    const { engine } = configuration;
    const named: unknown = plain.engine;
    this.namesEngine =
      engine !== 'auto' && typeof named === 'string' && named.trim().toLowerCase() === engine;
    this.origin = origin;
    this.inheritsPreload = PRELOAD.test([...process.execArgv, process.env.NODE_OPTIONS].join(' '));
    this.options = plain;
    this.logger = new Logger(configuration.logLevel, plain.logger);
    for (const warning of warnings) this.logger.warn(warning);
  }

  /**
   * Starts profiling. Where a profiler runs already, in this object or another, one error line says so and that one
   * goes on; where one is still stopping, the line says to wait for it. Where the environment lets none start, one error
   * line says why and what mends it, `status.failure` too, and the program runs without. Throws an EverflameError only where
   * an engine that the options name cannot start: a program that names one is to learn that it is not there.
   */
  start(): this {
    const obstacle = this.obstacle();
    if (obstacle) {
      // One that runs goes on.
      if (!this.engine) this.failure = reasonOf(obstacle);
      this.logger.error(obstacle);
      return this;
    }
    let outlet: Outlet;
    let engine: Engine;
    try {
      outlet = this.openOutlet();
      engine = startEngine(this.engineOptions(outlet), this.logger);
    } catch (error) {
      this.failure = reasonOf(error);
      if (this.namesEngine && error instanceof EverflameError && /_UNAVAILABLE$/.test(error.code))
        throw error;
      this.logger.error(`${this.failure}. The program runs without a profiler.`);
      return this;
    }
    this.failure = undefined;
    setRunning(this);
    this.engine = engine;
    this.outlet = outlet;
    this.stops = engine.metrics().counters.sampling_stops ?? 0;
    this.attempt('workers that do not inherit the preload are not joined to the profile', () =>
      this.watch(engine),
    );
    if (outlet.exporters.length > 0) this.startGiving(outlet);
    this.attempt('the last period is lost when the process ends', () => {
      this.ignoreExit = listenLastToExit(
        () => this.finishAtExit(),
        () => (this.engine ?? this.stopping)?.liveOn(),
      );
    });
    this.attempt('processes that this one starts are not profiled by themselves', () =>
      this.reachChildren(outlet),
    );
    this.logger.info(this.startLine(engine, outlet));
    return this;
  }

  /**
   * Stops profiling and returns the last profile, when it is written and sent, or waits in the spool. Undefined where none was
   * running.
   */
  stop(): Promise<Profile | undefined> {
    // What runs now is what is stopped, not what is started while a flush before this one is at work.
    const { engine } = this;
    this.ending ||= engine !== undefined;
    return this.whileAlive(() =>
      this.next(async () => {
        // A second call finds nothing to stop.
        if (!engine || this.engine !== engine) return undefined;
        this.engine = undefined;
        clearInterval(this.timer);
        this.unwatchWorkers?.();
        this.leaveChildren?.();
        planWorkers(undefined);
        this.lastMetrics = engine.metrics();
        this.stopping = engine;
        let profile: Profile | undefined;
        try {
          profile = await this.hand(engine.stop(), 'on_shutdown');
          return profile;
        } finally {
          await this.outlet?.close(this.configuration.exitTimeout * 1000);
          // Whatever has become of it: signals are the program's again.
          if (profile) engine.forgetProfile(profile.sequence);
          // With what the last profile has added.
          this.lastMetrics = engine.metrics();
          this.stopping = undefined;
          this.ending = false;
          clearRunning();
          this.ignoreExit?.();
        }
      }),
    );
  }

  /**
   * Ends the current period and returns its profile, when it is written and sent, or a receiver did not take it at the first
   * attempt: then it waits. Undefined where no profiler is running.
   */
  flush(): Promise<Profile | undefined> {
    return this.whileAlive(async () => {
      const profile = await this.flushNext();
      await this.outlet?.rest();
      return profile;
    });
  }

  get status(): ProfilerStatus {
    const status = this.engine?.status();
    return {
      running: status !== undefined && !this.ending,
      failure: this.failure,
      exporters: this.engine ? (this.outlet?.exporters ?? []) : [],
      output: this.outlet?.output,
      runtimeId: this.outlet?.runtimeId,
      rate: this.configuration.rate,
      period: this.configuration.period,
      start: this.engine?.report,
      threads: status?.threads ?? [],
      features: status?.features ?? [],
    };
  }

  /** Counters of the engine, of the files written and of uploads. After `stop()`, with the profile that it made. */
  metrics(): Metrics {
    const metrics = this.engine ? this.engine.metrics() : this.lastMetrics;
    return {
      ...metrics,
      ...(this.outlet?.counters ?? { files: { written: 0, bytes: 0, failures: 0 }, uploads: {} }),
      profiles: { failures: this.failures },
    };
  }

  /** Whether it is about to stop. */
  get isEnding(): boolean {
    return this.ending;
  }

  private obstacle(): string | undefined {
    const profiler = running();
    const { wall, cpu } = this.configuration;
    if (isMainThread && !profiler && !this.engine && (wall || cpu)) return undefined;
    const { whyNotNow } = require('./why-not-now') as typeof import('./why-not-now');
    return whyNotNow({
      isMainThread,
      isOwn: profiler === this,
      isStopping: profiler instanceof Profiler && profiler.ending,
      isRunning: this.engine !== undefined,
      isEmpty: !wall && !cpu,
      options: this.options,
    });
  }

  private openOutlet(): Outlet {
    const { configuration, options, logger } = this;
    const isPreloaded = this.origin === 'preload';
    return new Outlet({ configuration, options, isPreloaded, logger, agentAnswers });
  }

  private engineOptions(outlet: Outlet): Parameters<typeof startEngine>[0] {
    const { samplerPrefix: outputPrefix, runtimeIdInProfiles: runtimeId } = outlet;
    return {
      ...engineOptions(this.configuration),
      ...(outputPrefix === undefined ? {} : { outputPrefix }),
      ...(runtimeId === undefined ? {} : { runtimeId }),
      // A signal that the program listens to is the program's; it ends by itself then, or not at all.
      ...(outlet.exporters.length === 0
        ? {}
        : {
            periodSeconds: this.configuration.period,
            writeAhead: outlet.writesAhead,
            exitTimeoutMilliseconds: atLeastMaking(this.configuration.exitTimeout * 1000),
            quiet: this.configuration.logLevel === 'off' || this.options.logger !== undefined,
            guardedSignals: TERMINAL_SIGNALS.filter((signal) => process.listenerCount(signal) === 0),
          }),
    };
  }

  /** Where a program has frozen what is to be changed, the rest runs without it: the engine is at work already. */
  private attempt(loss: string, change: () => void): void {
    try {
      change();
    } catch (error) {
      this.logger.warn(
        `${loss}: ${reasonOf(error)}. Start the profiler before the program freezes objects of Node.js.`,
      );
    }
  }

  private watch(engine: Engine): void {
    const preloaded = this.inheritsPreload;
    planWorkers({
      engine: engine.report.engine === 'inspector' ? 'inspector' : 'native',
      intervalNanoseconds: Math.round(1e9 / this.configuration.rate),
      logLevel: this.configuration.logLevel,
      preloaded,
    });
    this.unwatchWorkers = watchWorkers(preloaded);
  }

  /** Loaded only where there is something to tell them. */
  private reachChildren(outlet: Outlet): void {
    const { runtimeId } = outlet;
    const preload = this.origin === 'preload' && !process.env.NODE_OPTIONS?.includes(autoPath);
    if (runtimeId === undefined && !preload) return;
    const { reachChildren } = require('./children') as typeof import('./children');
    this.leaveChildren = reachChildren({ runtimeId, preload, onNode: () => outlet.becomeMain() });
  }

  private startGiving(outlet: Outlet): void {
    outlet.begin();
    // A failure is logged where it happens; here it must not become an unhandled rejection of the program.
    const give = (): void => void this.flushNext().catch(() => undefined);
    this.timer = setInterval(give, this.configuration.period * 1000);
    this.timer.unref();
  }

  private startLine(engine: Engine, outlet: Outlet): string {
    const { rate, period } = this.configuration;
    const { exporters, output } = outlet;
    const sent = exporters.filter((name) => name !== 'file' && name !== 'local');
    const places = [...sent, ...(output === undefined ? [] : [`${output}.*.wall.pprof`])];
    const where =
      places.length === 0 ? 'no files are written' : `a profile every ${period} s to ${places.join(' and ')}`;
    return `profiling at ${rate} Hz by ${engine.report.engine}; ${where}.`;
  }

  private flushNext(): Promise<Profile | undefined> {
    return this.next(async () => this.engine && this.hand(this.engine.flush(), 'periodic'));
  }

  /** Runs one flush after the other. */
  private next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.current.then(work);
    this.current = result.then(
      () => {
        this.lastFailure = undefined;
      },
      (error: unknown) => this.reportFailure(messageOf(error)),
    );
    return result;
  }

  private reportFailure(reason: string): void {
    this.failures += 1;
    // The same trouble each period is said once; it is said again after it was gone.
    if (reason !== this.lastFailure) {
      this.logger.error(`a profile could not be made: ${reason}. The program goes on.`);
    }
    this.lastFailure = reason;
  }

  /** Says what went wrong while this thread was busy. */
  private sayTroubles(engine: Engine, { counters }: EngineMetrics): void {
    const failure = engine.takeWriteFailure();
    if (failure) this.outlet?.reportNativeFailure(failure);
    // Each map is found broken once.
    const maps = engine.takeSourceMapFailures();
    const { sampling_stops: stops = 0 } = counters;
    if (maps.length === 0 && stops === this.stops) return;
    // Their texts are not for every start to read.
    const { BLIND, brokenMap } = require('./troubles') as typeof import('./troubles');
    for (const map of maps) this.logger.warn(brokenMap(map));
    if (stops !== this.stops) this.logger.warn(BLIND);
    this.stops = stops;
  }

  /** Takes a profile from the engine and gives it out. */
  private async hand(making: Promise<Profile>, reason: SnapshotReason): Promise<Profile> {
    const profile = await making;
    const engine = this.engine ?? this.stopping;
    if (!engine) return profile;
    const metrics = engine.metrics();
    this.sayTroubles(engine, metrics);
    // A period without a sample says nothing.
    if (profile.samples > 0 && engine.claimProfile(profile.sequence)) {
      await this.outlet?.give(profile, reason, engine, metrics);
    } else {
      engine.forgetProfile(profile.sequence);
      // Where there was one the sampler has written it.
      if (profile.samples > 0 && reason === 'periodic') this.outlet?.look();
      else if (profile.samples > 0) this.outlet?.lookLast();
    }
    return profile;
  }

  /** Keeps the process alive while the program waits for a profile: nothing else of ours does. */
  private async whileAlive<T>(work: () => Promise<T>): Promise<T> {
    const alive = setInterval(() => undefined, 2 ** 30);
    try {
      return await work();
    } finally {
      clearInterval(alive);
    }
  }

  private finishAtExit(): void {
    const { outlet } = this;
    const engine = this.engine ?? this.stopping;
    // What a fork would report is its parent's.
    if (!outlet || process.pid !== this.pid) return;
    const until = process.uptime() + this.configuration.exitTimeout;
    const left = (): number => Math.max(0, Math.round((until - process.uptime()) * 1000));
    try {
      outlet.finishFilesSync();
      if (engine?.waitForSignal()) return;
      if (engine && outlet.exporters.length > 0) this.giveLast(engine, outlet, atLeastMaking(left()));
      outlet.finishSync(left());
    } catch (error) {
      this.logger.error(`the last profile could not be sent: ${messageOf(error)}.`);
    }
  }

  private giveLast(engine: Engine, outlet: Outlet, milliseconds: number): void {
    try {
      const last = engine.flushSync(milliseconds);
      const metrics = engine.metrics();
      this.sayTroubles(engine, metrics);
      if (last === null) {
        this.logger.warn(`the last profile was not ready within ${milliseconds} ms and is lost.`);
      }
      // A period may have ended a moment ago, with its profile still on the way to the event loop. With an engine that
      // is stopping that is the last one, and the flush above has only waited for it.
      for (const profile of [...engine.takeUndelivered(), ...(last ? [last] : [])]) {
        if (profile.samples > 0 && engine.claimProfile(profile.sequence)) {
          outlet.giveSync(profile, engine, metrics);
        } else {
          engine.forgetProfile(profile.sequence);
          if (profile.samples > 0) outlet.lookLast();
        }
      }
    } catch (error) {
      this.logger.error(`the last profile could not be made: ${messageOf(error)}.`);
    }
  }
}

function atLeastMaking(milliseconds: number): number {
  return Math.max(MAKING_MILLISECONDS, Math.round(milliseconds));
}

/** Whether a Datadog Agent of this machine can be reached: its socket is there, or somebody listens on its port. */
function agentAnswers(): boolean {
  if (existsSync(AGENT_SOCKET)) return true;
  const native = loadNative();
  // Without the native sampler nobody can ask without waiting; an Agent without a socket is to be named then.
  return native.ok && native.binding.portAccepts(AGENT_PORT);
}
