import { join } from 'node:path';
import type { ProfilerOptions } from './config/resolve';
import type { Configuration } from './config/settings';
import type { Engine, EngineMetrics, Profile } from './engine';
import type { Logger } from './log';
import { absolutePrefix, assertWritable } from './output/folder';
import type { ProfileWriter } from './output/writer';
import type { Delivery } from './upload/delivery';
import type { Place } from './upload/place';
import { isSent, type Route, settleRoute } from './upload/route';
import type { Seed } from './upload/seed';
import type { ExporterName, SnapshotReason } from './upload/upload';

/** As it is at the start: a program may take it away, or put another in its place. */
const { process } = globalThis;

/** What an outlet is made from. */
export interface OutletOptions {
  configuration: Configuration;
  options: ProfilerOptions;
  isPreloaded: boolean;
  logger: Logger;
  /** Whether a Datadog Agent of this machine can be reached; asked only where nobody has said where profiles go. */
  agentAnswers: () => boolean;
}

/** What has become of profiles, by receiver and by file. */
export interface OutletCounters {
  files: { written: number; bytes: number; failures: number };
  /** docs/metrics.md has the meaning of each. */
  uploads: Record<string, number>;
}

/** Where the profiles of this process go: to files, to receivers, to both or to neither. */
export class Outlet {
  private route: Route;
  /** Where files go; `isInbox` where nobody has named the place. */
  private files: { prefix: string; isInbox: boolean } | undefined;
  private opened: ProfileWriter | undefined;
  /** Where profiles are kept that no Agent gets, as it is something else that listens there. */
  private kept: string | undefined;
  private sending: { delivery: Delivery; spoolPrefix: string | undefined; runtimeId: string } | undefined;
  private ownSeed: Seed | undefined;

  /** Throws an EverflameError where the output is relative to a folder that is gone. */
  constructor(private readonly settings: OutletOptions) {
    const { configuration, options, agentAnswers, logger } = settings;
    this.route = settleRoute(configuration, options, process.env, agentAnswers);
    for (const warning of this.route.warnings) logger.warn(warning);
    this.open();
  }

  get exporters(): readonly ExporterName[] {
    return this.kept === undefined ? this.route.exporters : ['local'];
  }

  /** Whether nobody has said where profiles go. */
  get isOpen(): boolean {
    return this.route.isOpen;
  }

  /** Prefix of the files written, or undefined where none are. */
  get output(): string | undefined {
    return this.files?.prefix ?? this.kept;
  }

  /** Where the sampler writes profiles by itself; undefined for nowhere. */
  get samplerPrefix(): string | undefined {
    return this.sending ? this.sending.spoolPrefix : this.output;
  }

  /** Whether the sampler writes each profile before anybody asks for it. */
  get writesAhead(): boolean {
    return this.sending?.spoolPrefix !== undefined && this.settings.configuration.spool === 'always';
  }

  get runtimeId(): string | undefined {
    return this.sending?.runtimeId;
  }

  /** By which whoever looks into the inbox knows whose a profile is; undefined where none comes there. */
  get runtimeIdInProfiles(): string | undefined {
    return this.isOpen || this.files?.isInbox ? this.seed.runtimeId : undefined;
  }

  get counters(): OutletCounters {
    return {
      files: { ...(this.opened?.counters ?? { written: 0, bytes: 0, failures: 0 }) },
      uploads: { ...this.sending?.delivery.counters },
    };
  }

  /** Sampling has begun. */
  begin(): void {
    const { files, sending } = this;
    if (files && this.isOpen) this.tellOfInbox(files.prefix);
    if (files) {
      try {
        assertWritable(files.prefix);
      } catch (error) {
        // Said at once, not a period later. The folder may yet be made, so writing is tried all the same.
        this.writer?.reportFailure(files.prefix, error);
      }
    }
    this.leaveWord();
    // With the first turn of the event loop: before that is the program's start.
    if (sending) setImmediate(() => sending.delivery.start()).unref();
  }

  /** Gives a profile out, and says to the engine when it need not keep it any longer. */
  async give(
    profile: Profile,
    reason: SnapshotReason,
    engine: Engine,
    metrics: EngineMetrics,
  ): Promise<void> {
    this.sendIfAgentAnswers(engine);
    const { writer } = this;
    const delivery = this.sending?.delivery;
    if (writer) delivery?.willBeFiled(profile);
    delivery?.hand(profile, reason, internalOf(metrics));
    this.leaveWord();
    await writer?.write(profile);
    if (!delivery) engine.forgetProfile(profile.sequence);
    else if (writer) delivery.isFiled(profile);
  }

  /** The sampler has written a profile by itself, which is to be sent. */
  look(): void {
    this.sending?.delivery.look();
  }

  /** Settles when what was given is sent, or waits for a receiver that did not take it. */
  async rest(): Promise<void> {
    await this.sending?.delivery.rest();
  }

  /** As `give`, for a process that is about to end. */
  giveSync(profile: Profile, engine: Engine, metrics: EngineMetrics): void {
    this.sending?.delivery.handLast(profile, internalOf(metrics));
    this.leaveWord();
    this.writer?.writeSync(profile);
    if (!this.sending) engine.forgetProfile(profile.sequence);
  }

  /** As `look`, for a process that is about to end. */
  lookLast(): void {
    this.sending?.delivery.lookLast();
  }

  /** Writes what `give` has not finished. For a process that is about to end. */
  finishFilesSync(): void {
    this.opened?.finishSync();
  }

  /** Loaded when the first file is written: before that is the program's start. */
  private get writer(): ProfileWriter | undefined {
    if (!this.files) return undefined;
    if (!this.opened) {
      const { ProfileWriter: Writer } = require('./output/writer') as typeof import('./output/writer');
      this.opened = new Writer(this.files.prefix, this.files.isInbox, this.settings.logger);
    }
    return this.opened;
  }

  /** Waits until everything is sent or in the spool, for so long at most. For a process that is about to end. */
  finishSync(milliseconds: number): void {
    this.sending?.delivery.finishSync(milliseconds);
    this.opened?.tidySync();
  }

  /** Sends what is left, for so long at most, and ends the delivery thread. */
  async close(milliseconds: number): Promise<void> {
    await this.sending?.delivery.stop(milliseconds);
  }

  /** This process has started others. */
  becomeMain(): void {
    this.sending?.delivery.becomeMain();
  }

  /** Says what the sampler could not write by itself. */
  reportNativeFailure(failure: Parameters<ProfileWriter['reportNativeFailure']>[0]): void {
    if (this.writer) this.writer.reportNativeFailure(failure);
    else this.sending?.delivery.spoolFailed(failure);
  }

  /** Whether the log says already who gets the profiles of which nobody has said so. What this process starts is told. */
  private isTold(kind: Place['kind']): boolean {
    const { PLACE_VARIABLE } = require('./upload/place') as typeof import('./upload/place');
    const place = kind === 'agent' ? kind : this.files?.prefix;
    const isTold = process.env[PLACE_VARIABLE] === place;
    process.env[PLACE_VARIABLE] = place;
    return isTold;
  }

  private tellOfInbox(prefix: string): void {
    if (this.isTold('inbox')) return;
    const { placeLine } = require('./upload/place') as typeof import('./upload/place');
    const reason = 'no Datadog Agent answers here';
    this.settings.logger.notice(placeLine({ kind: 'inbox', prefix, reason }));
  }

  private open(): void {
    const { exporters } = this.route;
    const { output } = this.settings.configuration;
    if (exporters.includes('file') && output !== undefined) {
      this.files = { prefix: absolutePrefix(output), isInbox: false };
      if (output.includes('\ufffd')) {
        const { oddNameWarning } = require('./output/odd-folder') as typeof import('./output/odd-folder');
        this.settings.logger.warn(oddNameWarning(this.files.prefix, 'DD_PROFILING_OUTPUT_PPROF'));
      }
    } else if (exporters.includes('file') || exporters.includes('local')) {
      this.files = { prefix: inbox(this.settings.logger), isInbox: true };
    }
    if (isSent(exporters)) this.openDelivery(this.isOpen ? { isTold: this.isTold('agent') } : undefined);
  }

  private get seed(): Seed {
    const { seedOfProfiler } = require('./upload/seed') as typeof import('./upload/seed');
    this.ownSeed ??= seedOfProfiler(this.settings, this.route, this.output);
    return this.ownSeed;
  }

  /** In the inbox, of who this process is. */
  private leaveWord(): void {
    if (!this.files?.isInbox) return;
    const { leaveWord } = require('./output/process-file') as typeof import('./output/process-file');
    leaveWord(this.files.prefix, this.seed, this.settings.logger);
  }

  private openDelivery(open: { isTold: boolean } | undefined): void {
    const { configuration, options, logger } = this.settings;
    const { openSpool, SPOOLED_PREFIX } = require('./upload/seed') as typeof import('./upload/seed');
    const { Delivery: Opened } = require('./upload/delivery') as typeof import('./upload/delivery');
    const { seed } = this;
    const spool =
      configuration.spool === 'off' ? undefined : openSpool(configuration.spoolFolder, seed, logger);
    const delivery = new Opened({
      seed,
      spool,
      always: configuration.spool === 'always',
      periodMilliseconds: configuration.period * 1000,
      open,
      exitMilliseconds: configuration.exitTimeout * 1000,
      logLevel: configuration.logLevel,
      hasUserLogger: options.logger !== undefined,
      logger,
      settled: (place) => {
        this.kept = place.kind === 'inbox' ? place.prefix : undefined;
      },
    });
    const spoolPrefix = spool && join(spool.folder, SPOOLED_PREFIX);
    this.sending = { delivery, spoolPrefix, runtimeId: seed.runtimeId };
  }

  /** An Agent that has started after this process gets what comes from now on. */
  private sendIfAgentAnswers(engine: Engine): void {
    if (!this.isOpen || this.sending || !this.settings.agentAnswers()) return;
    this.route = { exporters: ['datadog'], isOpen: true, warnings: [] };
    // Before: what is sent is not copied there.
    this.files = undefined;
    // As of now: it says where profiles go.
    this.ownSeed = undefined;
    this.opened?.tidySync();
    this.openDelivery({ isTold: true });
    const prefix = this.samplerPrefix;
    if (prefix !== undefined) engine.writeTo(prefix);
  }
}

function inbox(logger: Logger): string {
  const { inboxPrefix } = require('./output/inbox') as typeof import('./output/inbox');
  return inboxPrefix('.', (line) => logger.warn(line));
}

function internalOf(metrics: EngineMetrics): Record<string, number> {
  const { internalFigures } = require('./upload/internal') as typeof import('./upload/internal');
  return internalFigures(metrics);
}
