import { codeOf, reasonOf } from '../log';
import { add, type CounterName, type Counters } from './counters';
import { type Keeper, Lane } from './lane';
import { type Parcel, pendingOf } from './parcel';
import { timeOf } from './pprof-time';
import type { Send } from './send';
import type { Note, Spool } from './spool';
import { pathOf, type SpooledFile } from './spool-folder';
import type { Attachment, Exporter, Identity, SnapshotReason, Upload } from './upload';
import type { LoggedVoice } from './voice';

/** Uploads that wait in memory where there is no spool: no more than that, and no more bytes. */
const MOST_IN_MEMORY = 16;
const MOST_BYTES_IN_MEMORY = 32 * 1024 * 1024;
/** A first attempt that takes longer is not waited for: the profile is written down meanwhile. */
const SOON_MILLISECONDS = 1000;

export interface DispatcherOptions {
  exporters: Exporter[];
  spool: Spool | undefined;
  /** Whether each upload is written down before it is sent. */
  always: boolean;
  send: Send;
  voice: LoggedVoice;
  counters: Counters;
  /** Adds what goes with profiles that the sampler has written by itself. */
  complete: (profiles: Attachment[]) => Attachment[];
  retryMilliseconds: number;
  periodMilliseconds: number;
}

/** A profile in the spool, and whose it is. */
export interface SpooledProfile {
  file: SpooledFile;
  identity: Identity;
  /** Why it was made, where nothing is written down of it. */
  reason: SnapshotReason;
}

/** Takes uploads, and answers for each: delivered, refused, or counted as lost with the cause. */
export class Dispatcher implements Keeper {
  readonly lanes: Lane[];
  private parcels = new Set<Parcel>();
  private waiters: (() => void)[] = [];

  constructor(private readonly options: DispatcherOptions) {
    const { exporters, send, voice, counters, retryMilliseconds, periodMilliseconds } = options;
    const times = { retryMilliseconds, periodMilliseconds };
    this.lanes = exporters.map((exporter) => new Lane(exporter, send, this, voice, counters, times));
  }

  /** Takes an upload of this process. */
  take(upload: Upload): void {
    const bytes = upload.attachments.reduce((sum, { data }) => sum + data.length, 0);
    const pending = new Map(this.lanes.map(({ key }) => [key, new Set<string>()]));
    const { identity, reason } = upload;
    const parcel: Parcel = { upload, file: undefined, identity, reason, time: Date.now(), bytes, pending };
    if (this.options.always) this.keep(parcel);
    // Neither the upload nor the process waits for it.
    else setTimeout(() => this.parcels.has(parcel) && this.keep(parcel), SOON_MILLISECONDS).unref();
    this.enqueue([parcel]);
  }

  /** Takes what is in the spool and not on its way yet. */
  takeSpooled(files: SpooledProfile[]): void {
    const known = new Set([...this.parcels].map(({ file }) => file && pathOf(file)));
    const found = files.filter(({ file }) => !known.has(pathOf(file)));
    const parcels = found.map(({ file, identity, reason }) => {
      const note = this.options.spool?.noteOf(file);
      const pending = this.lanes.flatMap(({ key }): [string, Set<string>][] => {
        // What the sampler has written is for all.
        const parts = note ? note.pending[key] : [];
        return parts ? [[key, new Set(parts)]] : [];
      });
      const { bytes, modified: time } = file;
      return { upload: undefined, file, identity, reason, time, bytes, pending: new Map(pending) };
    });
    // What is for none of ours waits for a process that has its receiver.
    this.enqueue(parcels.filter(({ pending }) => pending.size > 0));
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

  /** The time is over. What could not be written down is lost. */
  stop(): void {
    for (const lane of this.lanes) lane.stop();
    this.keepAll();
    for (const parcel of this.parcels) if (!parcel.file) this.drop(parcel, 'uploads_lost');
  }

  /** Removes what is too old or too much in the spool. */
  tidy(): void {
    for (const { file, cause } of this.options.spool?.tidy() ?? []) {
      const parcel = [...this.parcels].find((known) => known.file && pathOf(known.file) === pathOf(file));
      if (parcel) this.drop(parcel, cause);
      else add(this.options.counters, cause, 1);
    }
  }

  async open(parcel: Parcel): Promise<Upload | undefined> {
    const { upload, file, identity } = parcel;
    const { spool, voice } = this.options;
    if (upload || !file || !spool) return upload;
    try {
      const note = spool.noteOf(file);
      const files = spool.read(file, note);
      const time = timeOf(files[0]?.data ?? Buffer.alloc(0));
      const attachments = note ? files : this.options.complete(files);
      return { ...facts(parcel.reason, file, note, time), identity, attachments };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') this.drop(parcel, 'uploads_elsewhere');
      else {
        voice.damaged(pathOf(file), reasonOf(error));
        spool.remove(file);
        this.drop(parcel, 'uploads_damaged');
      }
      return undefined;
    }
  }

  keep(parcel: Parcel): void {
    const { spool, voice, counters } = this.options;
    const { upload } = parcel;
    if (!upload || !spool) return;
    try {
      parcel.file = spool.write(upload, pendingOf(parcel));
      parcel.upload = undefined;
    } catch (error) {
      add(counters, 'spool_failures', 1);
      voice.spoolFailing(spool.folder, reasonOf(error));
      this.limitMemory();
    }
  }

  note(parcel: Parcel): void {
    const { spool, voice, counters } = this.options;
    if (!spool || !parcel.file) return;
    const note = spool.noteOf(parcel.file);
    if (!note) return;
    try {
      spool.note(parcel.file, { ...note, pending: pendingOf(parcel) });
    } catch (error) {
      add(counters, 'spool_failures', 1);
      voice.spoolFailing(spool.folder, reasonOf(error));
    }
  }

  settle(parcel: Parcel, lane: Lane): void {
    parcel.pending.delete(lane.key);
    if (parcel.pending.size > 0) this.note(parcel);
    else {
      this.parcels.delete(parcel);
      if (parcel.file) this.options.spool?.remove(parcel.file);
    }
  }

  changed(): void {
    for (const waiter of this.waiters.splice(0)) waiter();
  }

  private enqueue(parcels: Parcel[]): void {
    for (const parcel of parcels) {
      this.parcels.add(parcel);
      add(this.options.counters, 'uploads_taken', parcel.pending.size);
    }
    for (const lane of this.lanes) lane.add(parcels.filter(({ pending }) => pending.has(lane.key)));
    this.limitMemory();
  }

  private keepAll(): void {
    for (const parcel of this.parcels) this.keep(parcel);
  }

  private drop(parcel: Parcel, cause: CounterName): void {
    add(this.options.counters, cause, parcel.pending.size);
    this.parcels.delete(parcel);
    for (const lane of this.lanes) lane.drop(parcel);
    this.changed();
  }

  /** What waits in memory has a limit, and the oldest goes first. */
  private limitMemory(): void {
    const waiting = [...this.parcels].filter(({ upload }) => upload).sort((a, b) => b.time - a.time);
    let bytes = 0;
    let lost = 0;
    for (const [index, parcel] of waiting.entries()) {
      bytes += parcel.bytes;
      if (index < MOST_IN_MEMORY && (bytes <= MOST_BYTES_IN_MEMORY || index === 0)) continue;
      this.drop(parcel, 'uploads_lost');
      lost += 1;
    }
    if (lost > 0) this.options.voice.lost(lost);
  }
}

/** What is known of a profile in the spool; the sampler writes no note. */
function facts(
  reason: SnapshotReason,
  { base }: SpooledFile,
  note: Note | undefined,
  time: { start: bigint; end: bigint },
): Omit<Upload, 'identity' | 'attachments'> {
  if (!note) {
    const sequence = Number(/\.(\d+)$/.exec(base)?.[1] ?? 0);
    return { ...time, sequence, reason, internal: {} };
  }
  const { start, end, sequence, internal, endpointCounts, customAttributes } = note;
  return {
    sequence,
    reason: note.reason,
    internal,
    start: BigInt(start),
    end: BigInt(end),
    ...(endpointCounts ? { endpointCounts } : {}),
    ...(customAttributes ? { customAttributes } : {}),
  };
}
