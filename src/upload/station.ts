import type { DeliveryConfiguration } from '../config/delivery-settings';
import { resolveDelivery } from '../config/resolve-delivery';
import type { Logger } from '../log';
import { reasonOf } from '../log';
import { reportStart, reportToRun } from '../run-report';
import { systemClock } from './clock';
import { Copies } from './copies';
import { type Counters, UPLOAD_ENDS } from './counters';
import { Dispatcher } from './dispatcher';
import { datadogTargetOf, isAgentless, makeExporters } from './exporters/make';
import { identityOf } from './identity';
import { samplerFigures } from './internal';
import { laneKey } from './lane';
import { OpenRoute } from './open-route';
import { HEARTBEAT_MILLISECONDS } from './owner';
import { type Place, placeLine } from './place';
import { Provenance } from './provenance';
import type { Seed } from './seed';
import { makeSend, type Send } from './send';
import { Spool } from './spool';
import { type SpooledFile, sequenceOf } from './spool-folder';
import type { Exporter, Identity, SnapshotReason, Upload } from './upload';
import { LoggedVoice, placeOf } from './voice';

/** How often the spool is looked at. */
const LOOK_MILLISECONDS = HEARTBEAT_MILLISECONDS / 2;

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
  /**
   * Set where nobody has said who gets profiles: they are for an Agent, if it is one that listens there. `isTold` says that the log
   * knows of it.
   */
  open: { isTold: boolean } | undefined;
}

/** What a station is made of. */
export interface StationOptions extends StationData {
  /** Told when a profile that was taken is in the spool or settled: until then others are to keep it too. */
  safe: (sequence: number) => void;
  counters: Counters;
  logger: Logger;
  /** Whether the process ends, so that the newest profile that the sampler has written is the last one. */
  isEnding: () => boolean;
  /** Told who gets profiles, where nobody has said so. */
  settled: (place: Place) => void;
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
  private readonly seeds = new Map<string, Seed>();
  /** Of processes that have left something: the keys of their receivers, by runtime id. */
  private readonly receivers = new Map<string, readonly string[]>();
  private readonly provenance: Provenance;
  private readonly copies: Copies;
  private readonly open: OpenRoute | undefined;
  private readonly timer: NodeJS.Timeout;
  /** The highest number of a profile that was handed over. */
  private latest = -1;

  constructor(private readonly options: StationOptions) {
    const { seed, spool, logger, counters, safe } = options;
    const { configuration, warnings } = resolveDelivery(seed.options, seed.environment);
    this.configuration = configuration;
    const made = makeExporters(seed, configuration);
    this.exporters = made.exporters;
    for (const warning of [...warnings, ...made.warnings]) logger.warn(warning);
    const limits = { bytes: configuration.spoolSize, ageMilliseconds: configuration.spoolAge * 1000 };
    this.spool = spool && new Spool(spool.root, spool.folder, seed, limits, counters, systemClock);
    this.provenance = new Provenance(configuration, seed, (line) => logger.warn(line));
    this.copies = new Copies(seed.outputPrefix, logger);
    // Else it was said why there is none.
    const isOff = [seed.options.spool, seed.environment.EVERFLAME_SPOOL].includes('off');
    const waitingPlace = spool
      ? `They wait in ${spool.root} and are sent when it takes them.`
      : `They wait in memory, and are lost with the process${isOff ? ' (EVERFLAME_SPOOL=off)' : ''}.`;
    const send = makeSend(`everflame/${this.identity().profilerVersion}`, configuration.uploadTimeout);
    this.open = options.open && this.openRoute(send, options.open.isTold);
    this.dispatcher = new Dispatcher({
      exporters: this.exporters,
      spool: this.spool,
      always: options.always,
      safe,
      send,
      open: this.open,
      voice: new LoggedVoice(logger, waitingPlace),
      counters,
      clock: systemClock,
      complete: (profiles) => [...profiles, ...this.provenance.attachments(profiles)],
      retryMilliseconds: configuration.retryTime,
      periodMilliseconds: options.periodMilliseconds,
    });
    this.timer = setInterval(() => this.look(), LOOK_MILLISECONDS);
    this.timer.unref();
    setImmediate(() => this.begin());
  }

  private begin(): void {
    this.look();
    // The answer is what the log has to say of the start, and decides what becomes of what others have left.
    void this.open
      ?.isForAgent()
      .then(() => this.look())
      .catch((error: unknown) => this.options.logger.debug(`the Agent cannot be asked: ${reasonOf(error)}`));
  }

  private openRoute(send: Send, isTold: boolean): OpenRoute {
    const { seed, settled, logger } = this.options;
    let say: 'notice' | 'info' = isTold ? 'info' : 'notice';
    const { target } = datadogTargetOf(seed, this.configuration);
    return new OpenRoute({
      send,
      address: () => target.address(),
      clock: systemClock,
      workingDirectory: seed.workingDirectory,
      seedOf: (runtimeId) => this.seeds.get(runtimeId),
      warn: (line) => logger.warn(line),
      settled: (place) => {
        // Before the first file is written: its number is told.
        if (place.kind === 'inbox') reportStart(place.prefix);
        logger[say](placeLine(place));
        say = 'info';
        settled(place);
      },
    });
  }

  /** This process has started others of its kind. */
  becomeMain(): void {
    this.identity().processType ??= 'main';
  }

  /** Takes a profile of this process. */
  take(profile: HandedProfile): void {
    const { sequence, start, end, reason, internal } = profile;
    this.latest = Math.max(this.latest, sequence);
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

  /** Takes a profile that the main thread has not come to: it is not in the files either. */
  takeForMain(profile: HandedProfile): void {
    this.fileForMain(profile);
    this.take(profile);
  }

  /** Writes a profile to the output, if there is one, unless it is there. */
  fileForMain({ sequence, data }: HandedProfile): void {
    this.copies.put(sequence, () => data);
  }

  /** Settles when all that was taken is delivered, or waits for a receiver that did not take it. */
  rest(): Promise<void> {
    return this.dispatcher.rest();
  }

  /** The process ends: everything is tried once more, for so long at most, and what is left then waits in the spool. */
  async finish(milliseconds: number): Promise<void> {
    this.takeOwn(true);
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
    const unanswered = this.dispatcher.unanswered.map(placeOf);
    this.dispatcher.stop();
    this.spool?.close();
    this.report(unanswered);
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Tells `everflame run` what has become of the profiles. */
  private report(unanswered: string[]): void {
    const { counters } = this.options;
    const { uploads_taken: taken, uploads_delivered: delivered } = counters;
    const ended = UPLOAD_ENDS.reduce((sum, name) => sum + counters[name], 0);
    const { uploads_elsewhere: elsewhere, uploads_kept: kept } = counters;
    reportToRun({
      kind: 'sent',
      pid: process.pid,
      destinations: this.exporters.map(placeOf),
      delivered,
      waiting: Math.max(0, taken - ended),
      dropped: ended - delivered - elsewhere - kept,
      kept,
      unanswered,
    });
  }

  /** What the sampler has written by itself is taken, and what ended processes have left. */
  look(): void {
    this.attempt(() => this.dispatcher.tidy());
    this.attempt(() => this.takeOwn(false));
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

  /** Takes what the sampler has written. Where the process ends the newest profile of all is the last one. */
  private takeOwn(isFinish: boolean): void {
    const { spool } = this;
    if (!spool) return;
    const files = spool.own();
    // Asked after them: a process that had not been ending may have written its last one meanwhile.
    const isEnding = isFinish || this.options.isEnding();
    this.copies.of(files.filter((file) => !spool.noteOf(file)));
    const identity = this.identity();
    const receivers = this.dispatcher.lanes.map(({ key }) => key);
    const last = lastOfEach(isEnding ? files : []);
    // The sampler writes profiles and nothing else. What it has to say of itself is as of now.
    const internal = files.length > 0 ? { ...samplerFigures(), ...this.options.counters } : {};
    this.dispatcher.takeSpooled(
      files.map((file) => {
        const isLast = last.has(file) && sequenceOf(file) > this.latest;
        return { file, identity, reason: isLast ? 'on_shutdown' : 'periodic', receivers, internal };
      }),
    );
  }

  /** Takes what ended processes have left for a receiver of ours. */
  private takeOver(): void {
    const { open } = this;
    if (open && !open.settled) return;
    // What others have left that were told to send to this Agent waits for it.
    const isLeftHere = (seed: Seed): boolean => open?.settled !== 'inbox' || seed.isOpen === true;
    const ours = new Set(this.dispatcher.lanes.map(({ key }) => key));
    const found =
      this.spool?.takeOver(
        (seed) => isLeftHere(seed) && this.receiversOf(seed).some((key) => ours.has(key)),
      ) ?? [];
    const asked = new Set(
      [this.options.seed, ...found.map(({ seed }) => seed)].map(({ runtimeId }) => runtimeId),
    );
    for (const known of [this.identities, this.receivers, this.seeds]) {
      for (const id of known.keys()) if (!asked.has(id)) known.delete(id);
    }
    const last = lastOfEach(found.map(({ file }) => file));
    this.dispatcher.takeSpooled(
      found.flatMap(({ file, seed }) => {
        const receivers = this.receiversOf(seed);
        const identity = this.identities.get(seed.runtimeId);
        const reason = last.has(file) ? 'on_shutdown' : 'periodic';
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
    this.seeds.set(seed.runtimeId, seed);
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

/** The profile with the highest number in each folder. */
function lastOfEach(files: readonly SpooledFile[]): Set<SpooledFile> {
  const last = new Map<string, SpooledFile>();
  for (const file of files) {
    const known = last.get(file.folder);
    if (!known || sequenceOf(file) > sequenceOf(known)) last.set(file.folder, file);
  }
  return new Set(last.values());
}
