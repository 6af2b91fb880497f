import type { DeliveryConfiguration } from '../config/delivery-settings';
import { resolveDelivery } from '../config/resolve-delivery';
import type { Logger } from '../log';
import { reasonOf } from '../log';
import { reportToRun } from '../run-report';
import { systemClock } from './clock';
import { Copies } from './copies';
import type { Counters } from './counters';
import { Dispatcher } from './dispatcher';
import { isAgentless, makeExporters } from './exporters/make';
import { identityOf } from './identity';
import { laneKey } from './lane';
import { HEARTBEAT_MILLISECONDS } from './owner';
import { Provenance } from './provenance';
import type { Seed } from './seed';
import { makeSend } from './send';
import { Spool } from './spool';
import type { Exporter, Identity, SnapshotReason, Upload } from './upload';
import { LoggedVoice, placeOf } from './voice';

/** How often the spool is looked at. */
const LOOK_MILLISECONDS = HEARTBEAT_MILLISECONDS / 2;

/**
 * What the sampler has written since is left for the next look: where a signal ends the process it is the last profile, and the
 * sampler is about to tell of it.
 */
const TELLING_MILLISECONDS = 1000;

/** A finished profile, as the main thread hands it over. */
export interface HandedProfile {
  sequence: number;
  start: bigint;
  end: bigint;
  reason: SnapshotReason;
  data: Uint8Array;
  internal: Record<string, number>;
}

/** What a station is to know of its process. */
export interface StationData {
  seed: Seed;
  /** The spool and the folder of this process in it; undefined without a spool. */
  spool: { root: string; folder: string } | undefined;
  always: boolean;
  periodMilliseconds: number;
}

/** What a station is made of. */
export interface StationOptions extends StationData {
  counters: Counters;
  logger: Logger;
}

/**
 * All that happens to profiles from the main thread to the receivers. On the delivery thread, or where there is none on the
 * main thread.
 */
export class Station {
  private readonly configuration: DeliveryConfiguration;
  private readonly dispatcher: Dispatcher;
  private readonly spool: Spool | undefined;
  private readonly exporters: Exporter[];
  private readonly identities = new Map<string, Identity>();
  /** Of processes that have left something: the keys of their receivers, by runtime id. */
  private readonly receivers = new Map<string, readonly string[]>();
  private readonly provenance: Provenance;
  private readonly copies: Copies;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: StationOptions) {
    const { seed, spool, logger, counters } = options;
    const { configuration, warnings } = resolveDelivery(seed.options, seed.environment);
    this.configuration = configuration;
    const made = makeExporters(seed, configuration);
    this.exporters = made.exporters;
    for (const warning of [...warnings, ...made.warnings]) logger.warn(warning);
    const limits = { bytes: configuration.spoolSize, ageMilliseconds: configuration.spoolAge * 1000 };
    this.spool = spool && new Spool(spool.root, spool.folder, seed, limits, counters, systemClock);
    this.provenance = new Provenance(configuration, seed);
    this.copies = new Copies(seed.outputPrefix, logger);
    const waitingPlace = spool
      ? `They wait in ${spool.root} and are sent when it takes them.`
      : 'They wait in memory, and are lost with the process (EVERFLAME_SPOOL=off).';
    this.dispatcher = new Dispatcher({
      exporters: this.exporters,
      spool: this.spool,
      always: options.always,
      send: makeSend(`everflame/${this.identity().profilerVersion}`, configuration.uploadTimeout),
      voice: new LoggedVoice(logger, waitingPlace),
      counters,
      clock: systemClock,
      complete: (profiles) => [...profiles, ...this.provenance.attachments(profiles)],
      retryMilliseconds: configuration.retryTime,
      periodMilliseconds: options.periodMilliseconds,
    });
    this.timer = setInterval(() => this.look(TELLING_MILLISECONDS), LOOK_MILLISECONDS);
    this.timer.unref();
    // Not in this turn of the event loop, which has begun with the loading of this file.
    setImmediate(() => setImmediate(() => this.look(TELLING_MILLISECONDS)));
  }

  /** This process has started others of its kind. */
  becomeMain(): void {
    this.identity().processType ??= 'main';
  }

  /** Takes a profile of this process. */
  take(profile: HandedProfile): void {
    const { sequence, start, end, reason, internal } = profile;
    const { buffer, byteOffset, byteLength } = profile.data;
    const attachments = [{ name: 'wall.pprof', data: Buffer.from(buffer, byteOffset, byteLength) }];
    const upload: Upload = {
      identity: this.identity(),
      sequence,
      start,
      end,
      reason,
      attachments: [...attachments, ...this.provenance.attachments(attachments)],
      internal: { ...internal, ...this.options.counters },
    };
    this.dispatcher.take(upload);
  }

  /** Settles when all that was taken is delivered, or waits for a receiver that did not take it. */
  rest(): Promise<void> {
    return this.dispatcher.rest();
  }

  /** The process ends: everything is tried once more, for so long at most, and what is left then waits in the spool. */
  async finish(milliseconds: number): Promise<void> {
    this.takeOwn('on_shutdown');
    this.dispatcher.hurry();
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([this.rest(), over]);
    clearTimeout(timer);
    this.finishSync();
  }

  /** Writes down everything, and sends nothing. For a process that ends at once; one that does not goes on as before. */
  finishSync(): void {
    this.dispatcher.stop();
    this.spool?.close();
    this.report();
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Tells `everflame run` what has become of the profiles. */
  private report(): void {
    const { counters } = this.options;
    const { uploads_taken: taken, uploads_delivered: delivered } = counters;
    const ends = [
      'uploads_refused',
      'uploads_expired',
      'uploads_evicted',
      'uploads_damaged',
      'uploads_lost',
    ] as const;
    const dropped = ends.reduce((sum, name) => sum + counters[name], 0);
    reportToRun({
      kind: 'sent',
      pid: process.pid,
      destinations: this.exporters.map(placeOf),
      delivered,
      waiting: Math.max(0, taken - delivered - dropped - counters.uploads_elsewhere),
      dropped,
    });
  }

  /** What the sampler has written by itself, so long ago at least, is taken, and what ended processes have left. */
  look(milliseconds = 0): void {
    this.attempt(() => this.dispatcher.tidy());
    this.attempt(() => this.takeOwn('periodic', milliseconds));
    this.attempt(() => this.takeOver());
  }

  private attempt(task: () => void): void {
    const { spool } = this;
    if (!spool) return;
    try {
      task();
    } catch (error) {
      this.options.logger.debug(`cannot look into the spool ${spool.root}: ${reasonOf(error)}`);
    }
  }

  /** Takes what the sampler has written, so long ago at least; `reason` is why it did. */
  private takeOwn(reason: SnapshotReason, milliseconds = 0): void {
    const { spool } = this;
    if (!spool) return;
    const before = milliseconds > 0 ? systemClock.wall() - milliseconds : Number.POSITIVE_INFINITY;
    const files = spool.own().filter(({ modified }) => modified <= before);
    for (const file of files) if (!spool.noteOf(file)) this.copies.of(file);
    const identity = this.identity();
    const receivers = this.dispatcher.lanes.map(({ key }) => key);
    this.dispatcher.takeSpooled(files.map((file) => ({ file, identity, reason, receivers })));
  }

  /** Takes what ended processes have left for a receiver of ours. */
  private takeOver(): void {
    const ours = new Set(this.dispatcher.lanes.map(({ key }) => key));
    const found = this.spool?.takeOver((seed) => this.receiversOf(seed).some((key) => ours.has(key))) ?? [];
    const reason = 'on_shutdown';
    this.dispatcher.takeSpooled(
      found.flatMap(({ file, seed }) => {
        const receivers = this.receiversOf(seed);
        const identity = this.identities.get(seed.runtimeId);
        return identity ? [{ file, identity, reason, receivers }] : [];
      }),
    );
  }

  private identity(): Identity {
    return this.remember(this.options.seed, this.configuration);
  }

  private remember(seed: Seed, configuration: DeliveryConfiguration): Identity {
    const known = this.identities.get(seed.runtimeId);
    if (known) return known;
    const { value, warnings } = identityOf(seed, configuration, isAgentless(seed, configuration));
    if (seed === this.options.seed) for (const warning of warnings) this.options.logger.warn(warning);
    this.identities.set(seed.runtimeId, value);
    return value;
  }

  /** To whom another process sent; nobody where its settings cannot be understood. */
  private receiversOf(seed: Seed): readonly string[] {
    const known = this.receivers.get(seed.runtimeId);
    if (known) return known;
    let keys: readonly string[] = [];
    try {
      const { configuration } = resolveDelivery(seed.options, seed.environment);
      const theirs = makeExporters(seed, configuration).exporters.map(laneKey);
      if (theirs.some((key) => this.dispatcher.lanes.some((lane) => lane.key === key)))
        this.remember(seed, configuration);
      keys = theirs;
    } catch (error) {
      this.options.logger.debug(
        `what the process ${seed.runtimeId} has left cannot be sent: ${reasonOf(error)}`,
      );
    }
    this.receivers.set(seed.runtimeId, keys);
    return keys;
  }
}
