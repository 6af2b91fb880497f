import { codeOf, reasonOf } from '../log';
import { Backoff } from './backoff';
import type { Clock } from './clock';
import { add, type CounterName, type Counters } from './counters';
import { type Keeper, Lane } from './lane';
import type { Note } from './note';
import type { OpenRoute } from './open-route';
import { oldestFirst, type Parcel, pendingOf } from './parcel';
import { timeOf } from './pprof-time';
import type { Send } from './send';
import type { Spool } from './spool';
import { filesIn, pathOf, type SpooledFile, sequenceOf } from './spool-folder';
import type { Attachment, Exporter, Identity, SnapshotReason, Upload } from './upload';
import type { LoggedVoice } from './voice';

/** Uploads that wait in memory where there is no spool: no more than that, and no more bytes. */
const MOST_IN_MEMORY = 16;
const MOST_BYTES_IN_MEMORY = 32 * 1024 * 1024;
/** A first attempt that takes longer is not waited for: the profile is written down meanwhile. */
const SOON_MILLISECONDS = 1000;
/** Of so many that were settled last the sampler may be writing a copy just now: it has none of what was settled long before. */
const MOST_COPIES = 64;
/** Profiles of the spool that are on their way at a time: to look at one takes a tenth of a millisecond. */
const MOST_SPOOLED = 1000;

/** Errors of the system that say nothing of the file which could not be read. */
const PASSING: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'ESTALE']);

export interface DispatcherOptions {
  exporters: Exporter[];
  spool: Spool | undefined;
  /** Whether each upload is written down before it is sent. */
  always: boolean;
  /** Told when an upload that was taken is in the spool or settled, by its number. */
  safe: (sequence: number) => void;
  send: Send;
  voice: LoggedVoice;
  /** Set where nobody has said who gets profiles. */
  open?: OpenRoute | undefined;
  counters: Counters;
  clock: Clock;
  /** Adds what goes with profiles that the sampler has written by itself. */
  complete: (profiles: Attachment[]) => Attachment[];
  retryMilliseconds: number;
  periodMilliseconds: number;
  /** For the pauses; Math.random where nobody says otherwise. */
  random?: () => number;
}

/** A profile in the spool, and whose it is. */
export interface SpooledProfile {
  file: SpooledFile;
  identity: Identity;
  /** Why it was made, where nothing is written down of it. */
  reason: SnapshotReason;
  /** Keys of the receivers of its process, where nothing is written down of it. */
  receivers: readonly string[];
  /** The profiler's own figures, where nothing is written down of it; of a process that has ended nobody knows them. */
  internal?: Record<string, number>;
}

/** Takes uploads, and answers for each: delivered, refused, or counted as lost with the cause. */
export class Dispatcher implements Keeper {
  readonly lanes: Lane[];
  private readonly parcels = new Set<Parcel>();
  /** Those of them that are in the spool, by their paths. */
  private readonly spooled = new Map<string, Parcel>();
  /** Paths of what is settled and cannot be removed: it must not be sent again. */
  private readonly stuck = new Set<string>();
  /** Numbers of what was settled last, of this process. */
  private readonly settled: number[] = [];
  private waiters: (() => void)[] = [];

  constructor(private readonly options: DispatcherOptions) {
    const { exporters, retryMilliseconds, periodMilliseconds, random, ...rest } = options;
    this.lanes = exporters.map((exporter) => {
      const backoff = new Backoff(retryMilliseconds, periodMilliseconds, random);
      return new Lane(exporter, { ...rest, keeper: this, backoff });
    });
  }

  /** Takes an upload of this process. */
  take(upload: Upload): void {
    // No exporter could be made; why was said at the start.
    if (this.lanes.length === 0) {
      add(this.options.counters, 'uploads_taken', 1);
      add(this.options.counters, 'uploads_lost', 1);
      this.options.safe(upload.sequence);
      return;
    }
    // Before it is there itself: it has not been tried yet.
    if (this.options.spool?.isOver) this.tidy();
    const bytes = upload.attachments.reduce((sum, { data }) => sum + data.length, 0);
    const pending = new Map(this.lanes.map(({ key }) => [key, new Set<string>()]));
    const { identity, reason, sequence } = upload;
    const about = { identity, reason, sequence, time: this.options.clock.wall() };
    const parcel: Parcel = { upload, file: undefined, ...about, bytes, pending, others: {} };
    if (this.options.always) this.tryToKeep(parcel);
    // Neither the upload nor the process waits for it.
    else this.options.clock.later(SOON_MILLISECONDS, () => this.keep(parcel));
    this.enqueue([parcel]);
  }

  /** Takes what is in the spool and not on its way yet, the oldest of it. The rest follows when it is called again. */
  takeSpooled(profiles: SpooledProfile[]): void {
    const room = Math.max(0, MOST_SPOOLED - this.spooled.size);
    const found = profiles
      .filter(({ file }) => !this.isCopy(file) && !this.spooled.has(pathOf(file)))
      .filter(({ file }) => !this.stuck.has(pathOf(file)))
      .sort((a, b) => a.file.modified - b.file.modified)
      .slice(0, room);
    const parcels = found.map((profile) => this.parcelOf(profile));
    this.enqueue(parcels.filter(({ pending }) => pending.size > 0));
    // What is for none of ours waits for a process that has its receiver.
    for (const { file, pending } of parcels) if (pending.size === 0 && file) this.decline(file.folder);
  }

  /** Settles when nothing is on its way, or what is waits for a receiver that did not take it. */
  async rest(): Promise<void> {
    while (!this.lanes.every((lane) => lane.rests)) {
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
  }

  /** The process ends: what is not written down yet is, and one more attempt is made at once. */
  hurry(): void {
    this.keepAll();
    for (const lane of this.lanes) lane.hurry();
  }

  /** Receivers that take their time over what is being sent just now, though they have not failed. */
  get unanswered(): Exporter[] {
    return this.lanes.filter((lane) => lane.isWithoutAnswer).map(({ exporter }) => exporter);
  }

  /**
   * The time is over. What could not be written down is lost. Where the process goes on all the same, what is taken next is sent,
   * and with it what waits.
   */
  stop(): void {
    for (const lane of this.lanes) lane.stop();
    this.keepAll();
    // Also what was being sent: it was broken off.
    const lost = [...this.parcels].filter(({ file }) => !file);
    if (lost.length === 0) return;
    const lanes = this.lanes.filter(({ key }) => lost.some(({ pending }) => pending.has(key)));
    this.options.voice.lostAtEnd(
      lost.length,
      lanes.map(({ exporter }) => exporter),
      this.options.spool !== undefined,
    );
    for (const parcel of lost) this.drop(parcel, 'uploads_lost', () => false);
  }

  /** Removes what is too old or too much in the spool, and tries to keep what could not be written before. */
  tidy(): void {
    const { spool, counters } = this.options;
    const isSending = (path: string): boolean => {
      const parcel = this.spooled.get(path);
      return parcel !== undefined && this.lanes.some((lane) => lane.isSending(parcel));
    };
    for (const { file, cause, receivers } of spool?.tidy(isSending) ?? []) {
      const parcel = this.spooled.get(pathOf(file));
      if (cause === 'uploads_damaged') this.options.voice.damaged(pathOf(file), 'it is no file');
      if (parcel) this.drop(parcel, cause);
      else if (!this.stuck.delete(pathOf(file))) {
        // Nobody has sent it or will: it is accounted for here.
        add(counters, 'uploads_taken', receivers);
        add(counters, cause, receivers);
      }
    }
    const now = this.options.clock.wall();
    for (const parcel of this.parcels) if (now - parcel.time > SOON_MILLISECONDS) this.keep(parcel);
  }

  async open(parcel: Parcel, lane: Lane): Promise<Upload | undefined> {
    const { upload, file, identity } = parcel;
    const { spool } = this.options;
    if (upload || !file || !spool) return upload;
    // Another lane that has read it before goes on.
    const isSending = (other: Lane): boolean => other !== lane && other.isSending(parcel);
    try {
      const note = spool.noteOf(file);
      const files = spool.read(file, note);
      const data = files[0]?.data ?? Buffer.alloc(0);
      // Looked into once: it is read for each attempt.
      if (parcel.read?.bytes !== data.length) parcel.read = { bytes: data.length, ...timeOf(data) };
      const attachments = note ? files : this.options.complete(files);
      return { ...facts(parcel, note, parcel.read), identity, attachments };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') this.missed(parcel, spool, file, isSending);
      else if (PASSING.has(codeOf(error) ?? '')) throw error;
      else {
        this.options.voice.damaged(pathOf(file), reasonOf(error));
        this.drop(parcel, 'uploads_damaged', isSending);
        this.remove(file);
      }
      return undefined;
    }
  }

  /** A profile is not in the spool any more. */
  private missed(parcel: Parcel, spool: Spool, file: SpooledFile, isSending: (lane: Lane) => boolean): void {
    const isTakenOver = spool.isTakenOver(file);
    if (!isTakenOver) this.options.voice.gone(pathOf(file));
    this.drop(parcel, isTakenOver ? 'uploads_elsewhere' : 'uploads_gone', isSending);
  }

  keep(parcel: Parcel): void {
    if (!this.parcels.has(parcel)) return;
    if (parcel.doomed) this.drop(parcel, parcel.doomed);
    else if (!this.tryToKeep(parcel)) this.limitMemory();
  }

  note(parcel: Parcel, upload: Upload): void {
    const { spool, voice, counters } = this.options;
    if (!spool || !parcel.file) return;
    try {
      spool.describe(parcel.file, upload, pendingOf(parcel));
    } catch (error) {
      // Removed under our hands: there is nothing to write down any more.
      if (codeOf(error) === 'ENOENT') return;
      add(counters, 'spool_failures', 1);
      voice.spoolFailing(spool.folder, reasonOf(error));
    }
  }

  settle(parcel: Parcel, lane: Lane, upload: Upload): void {
    parcel.pending.delete(lane.key);
    const isForOthers = Object.keys(parcel.others).length > 0;
    if (parcel.pending.size > 0 || isForOthers) this.note(parcel, upload);
    if (parcel.pending.size > 0) return;
    this.forget(parcel);
    if (!parcel.file) return;
    if (isForOthers) this.decline(parcel.file.folder);
    else this.remove(parcel.file);
  }

  changed(): void {
    for (const waiter of this.waiters.splice(0)) waiter();
  }

  private parcelOf({ file, identity, reason, receivers, internal }: SpooledProfile): Parcel {
    // What the sampler has written is for all.
    const parts =
      this.options.spool?.noteOf(file)?.pending ?? Object.fromEntries(receivers.map((key) => [key, []]));
    const own = new Set(this.lanes.map(({ key }) => key));
    const entries = Object.entries(parts);
    const pending = entries
      .filter(([key]) => own.has(key))
      .map(([key, done]) => [key, new Set(done)] as const);
    const others = Object.fromEntries(entries.filter(([key]) => !own.has(key)));
    const about = { identity, reason, sequence: sequenceOf(file), time: file.modified, internal };
    return { upload: undefined, file, ...about, bytes: file.bytes, pending: new Map(pending), others };
  }

  private enqueue(parcels: Parcel[]): void {
    for (const parcel of parcels) {
      this.parcels.add(parcel);
      if (parcel.file) this.spooled.set(pathOf(parcel.file), parcel);
      add(this.options.counters, 'uploads_taken', parcel.pending.size);
    }
    for (const lane of this.lanes) lane.add(parcels.filter(({ pending }) => pending.has(lane.key)));
    this.limitMemory();
  }

  private keepAll(): void {
    for (const parcel of this.parcels) this.tryToKeep(parcel);
    this.limitMemory();
  }

  /** Writes a parcel to the spool, unless it is there. False where it cannot be. */
  private tryToKeep(parcel: Parcel): boolean {
    const { spool, voice, counters } = this.options;
    const { upload } = parcel;
    if (!upload || !spool) return parcel.file !== undefined;
    try {
      this.place(parcel, spool.write(upload, pendingOf(parcel)));
      return true;
    } catch (error) {
      add(counters, 'spool_failures', 1);
      voice.spoolFailing(spool.folder, reasonOf(error));
      return false;
    }
  }

  /** A parcel is in the spool from now on. */
  private place(parcel: Parcel, file: SpooledFile): void {
    parcel.file = file;
    parcel.upload = undefined;
    // It is not lost after all.
    delete parcel.doomed;
    if (this.parcels.has(parcel)) this.spooled.set(pathOf(file), parcel);
    this.options.safe(parcel.sequence);
  }

  /**
   * Where the process ends, the sampler writes what is not safe yet. Whether a file is such a copy: of an upload that is on its way
   * from memory, and in the spool with it, or of one that is settled since, and then it is removed.
   */
  private isCopy(file: SpooledFile): boolean {
    if (file.folder !== this.options.spool?.folder || this.spooled.has(pathOf(file))) return false;
    const number = sequenceOf(file);
    const parcel = [...this.parcels].find(({ upload, sequence }) => upload && sequence === number);
    if (parcel) {
      // With what goes with it; where that cannot be written, the profile alone.
      if (!this.tryToKeep(parcel)) this.place(parcel, file);
      return true;
    }
    if (!this.settled.includes(number)) return false;
    this.remove(file);
    return true;
  }

  /** Gives a parcel up. A lane that is sending it just now settles it by what its receiver says. */
  private drop(
    parcel: Parcel,
    cause: CounterName,
    isSending = (lane: Lane): boolean => lane.isSending(parcel),
  ): void {
    for (const lane of this.lanes) {
      if (!parcel.pending.has(lane.key) || isSending(lane)) continue;
      parcel.pending.delete(lane.key);
      add(this.options.counters, cause, 1);
      lane.drop(parcel);
    }
    if (parcel.pending.size > 0) parcel.doomed = cause;
    else this.forget(parcel);
    this.changed();
  }

  private forget(parcel: Parcel): void {
    this.parcels.delete(parcel);
    const isOwn = !parcel.file || parcel.file.folder === this.options.spool?.folder;
    if (isOwn && this.settled.push(parcel.sequence) > MOST_COPIES) this.settled.shift();
    if (parcel.file) this.spooled.delete(pathOf(parcel.file));
    else this.options.safe(parcel.sequence);
  }

  private remove(file: SpooledFile): void {
    const { spool, voice, counters } = this.options;
    try {
      spool?.remove(file);
    } catch (error) {
      this.stuck.add(pathOf(file));
      add(counters, 'spool_failures', 1);
      voice.spoolFailing(file.folder, reasonOf(error));
    }
  }

  /** Leaves a folder that was taken over to others, once nothing in it is for a receiver of ours. */
  private decline(folder: string): void {
    const { spool } = this.options;
    if ([...this.spooled.values()].some(({ file }) => file?.folder === folder)) return;
    const isOurs = (file: SpooledFile): boolean => {
      const pending = spool?.noteOf(file)?.pending;
      return !this.stuck.has(pathOf(file)) && (!pending || this.lanes.some(({ key }) => pending[key]));
    };
    if (!filesIn(folder).some(isOurs)) spool?.decline(folder);
  }

  /** What waits in memory has a limit: beyond it the oldest is written down, or goes. */
  private limitMemory(): void {
    const newestFirst = oldestFirst([...this.parcels].filter(({ upload }) => upload)).reverse();
    let bytes = 0;
    let lost = 0;
    for (const [index, parcel] of newestFirst.entries()) {
      bytes += parcel.bytes;
      if (index < MOST_IN_MEMORY && (bytes <= MOST_BYTES_IN_MEMORY || index === 0)) continue;
      if (parcel.doomed || this.tryToKeep(parcel)) continue;
      this.drop(parcel, 'uploads_lost');
      lost += 1;
    }
    if (lost > 0) this.options.voice.lost(lost);
  }
}

/** What is known of a profile in the spool; the sampler writes no note. */
function facts(
  { reason, sequence, internal: figures = {} }: Parcel,
  note: Note | undefined,
  { start: begun, end: ended }: { start: bigint; end: bigint },
): Omit<Upload, 'identity' | 'attachments'> {
  if (!note) return { start: begun, end: ended, sequence, reason, internal: figures };
  const { start, end, internal, endpointCounts, customAttributes } = note;
  return {
    sequence: note.sequence,
    reason: note.reason,
    internal,
    start: BigInt(start),
    end: BigInt(end),
    ...(endpointCounts ? { endpointCounts } : {}),
    ...(customAttributes ? { customAttributes } : {}),
  };
}
