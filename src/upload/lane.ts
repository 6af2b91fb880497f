import { Backoff } from './backoff';
import { add, type Counters } from './counters';
import type { Parcel } from './parcel';
import { NoAnswer, type Send } from './send';
import { splitUpload } from './split';
import type { Exporter, OutgoingRequest, Upload, Verdict } from './upload';

/** Most pieces that an upload is divided into. */
const MOST_PIECES = 64;

/** What a lane needs of whoever keeps the uploads. */
export interface Keeper {
  /** The upload of a parcel, read from the spool where it is there; undefined where it is gone or damaged, which is settled. */
  open(parcel: Parcel): Promise<Upload | undefined>;
  /** It could not be sent at the first attempt: it goes to the spool. */
  keep(parcel: Parcel): void;
  /** A receiver has a part of it. */
  note(parcel: Parcel): void;
  /** A receiver has all of it, or never will. */
  settle(parcel: Parcel, lane: Lane): void;
  /** The lane has begun to rest. */
  changed(): void;
}

/** What a lane says. */
export interface Voice {
  failing(exporter: Exporter, reason: string): void;
  recovered(exporter: Exporter, waiting: number): void;
  refused(exporter: Exporter, reason: string, remedy: string): void;
  tooLarge(exporter: Exporter, reason: string, pieces: number): void;
  notice(exporter: Exporter, notice: string): void;
}

/** `gone`: somebody else has settled it. */
type Outcome = 'delivered' | 'refused' | 'gone' | { after: number };

/** Brings parcels to one receiver, one after the other, the oldest first. */
export class Lane {
  readonly key: string;
  private parcels: Parcel[] = [];
  private working = false;
  private failing = false;
  private pieces = 1;
  private wake: (() => void) | undefined;
  /** Aborts what is being sent: the process ends. */
  private readonly abort = new AbortController();
  private readonly backoff: Backoff;

  constructor(
    readonly exporter: Exporter,
    private readonly send: Send,
    private readonly keeper: Keeper,
    private readonly voice: Voice,
    private readonly counters: Counters,
    times: { retryMilliseconds: number; periodMilliseconds: number },
  ) {
    this.key = `${exporter.name} ${exporter.destination}`;
    this.backoff = new Backoff(times.retryMilliseconds, times.periodMilliseconds);
  }

  /** Whether it has nothing to do, or does nothing until its pause is over. */
  get rests(): boolean {
    return this.parcels.length === 0 || this.wake !== undefined || this.abort.signal.aborted;
  }

  add(parcels: Parcel[]): void {
    this.parcels.push(...parcels);
    this.parcels.sort((a, b) => a.time - b.time);
    void this.work();
  }

  drop(parcel: Parcel): void {
    this.parcels = this.parcels.filter((other) => other !== parcel);
  }

  /** The process ends: one more attempt at once, whatever pause there is. */
  hurry(): void {
    this.wake?.();
  }

  /** The time is over: what is being sent is broken off. */
  stop(): void {
    this.abort.abort();
    this.wake?.();
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    for (let parcel = this.parcels[0]; parcel && !this.abort.signal.aborted; parcel = this.parcels[0]) {
      const outcome = await this.attempt(parcel);
      if (typeof outcome === 'object') await this.pause(outcome.after);
    }
    this.working = false;
    this.keeper.changed();
  }

  private async attempt(parcel: Parcel): Promise<Outcome> {
    const upload = await this.keeper.open(parcel);
    if (!upload) return 'gone';
    const outcome = await this.bring(parcel, upload);
    if (typeof outcome === 'object') {
      this.keeper.keep(parcel);
      return outcome;
    }
    this.backoff.reset();
    add(this.counters, outcome === 'delivered' ? 'uploads_delivered' : 'uploads_refused', 1);
    this.drop(parcel);
    this.keeper.settle(parcel, this);
    if (this.failing) this.voice.recovered(this.exporter, this.parcels.length);
    this.failing = false;
    return outcome;
  }

  private async bring(parcel: Parcel, upload: Upload): Promise<Exclude<Outcome, 'gone'>> {
    const done = parcel.pending.get(this.key) ?? new Set<string>();
    parcel.pending.set(this.key, done);
    let refused = false;
    for (let again = true; again; ) {
      again = false;
      for (const request of await this.requests(upload, done)) {
        const verdict = await this.ask(request);
        if (verdict.kind === 'retry') return { after: this.failed(verdict) };
        if (verdict.kind === 'delivered') {
          done.add(request.part);
          this.keeper.note(parcel);
          if (verdict.notice) this.voice.notice(this.exporter, verdict.notice);
        } else if (verdict.kind === 'refused') {
          done.add(request.part);
          refused = true;
          this.voice.refused(this.exporter, verdict.reason, verdict.remedy);
        } else if (verdict.kind === 'otherwise' || this.divide(verdict.reason)) {
          again = true;
          break;
        } else return 'refused';
      }
    }
    return refused ? 'refused' : 'delivered';
  }

  /** What is still to be sent of an upload. */
  private async requests(upload: Upload, done: ReadonlySet<string>): Promise<OutgoingRequest[]> {
    if (this.pieces === 1) {
      return (await this.exporter.requests(upload)).filter(({ part }) => !done.has(part));
    }
    const pieces = await splitUpload(upload, this.pieces);
    const all = await Promise.all(pieces.map((piece) => this.exporter.requests(piece)));
    return all.flatMap((requests, index) =>
      requests
        .filter(({ part }) => !isDone(done, part, index, this.pieces))
        .map((request) => ({ ...request, part: pieceName(request.part, index, this.pieces) })),
    );
  }

  private async ask(request: OutgoingRequest): Promise<Verdict> {
    add(this.counters, 'upload_attempts', 1);
    try {
      const answer = await this.send(request, this.abort.signal);
      const verdict = this.exporter.judge(answer);
      if (verdict.kind === 'delivered') add(this.counters, 'upload_bytes', request.body.length);
      return verdict;
    } catch (error) {
      if (error instanceof NoAnswer) return { kind: 'retry', reason: error.message };
      throw error;
    }
  }

  /** Whether there is a smaller way to send. From now on uploads are sent so. */
  private divide(reason: string): boolean {
    if (this.pieces >= MOST_PIECES) {
      const remedy = 'Lower the rate (EVERFLAME_RATE) or the period (DD_PROFILING_UPLOAD_INTERVAL).';
      this.voice.refused(this.exporter, reason, remedy);
      return false;
    }
    this.pieces *= 2;
    add(this.counters, 'upload_splits', 1);
    this.voice.tooLarge(this.exporter, reason, this.pieces);
    return true;
  }

  private failed(verdict: { reason: string; afterMilliseconds?: number }): number {
    if (!this.failing && !this.abort.signal.aborted) this.voice.failing(this.exporter, verdict.reason);
    this.failing = true;
    add(this.counters, 'upload_retries', 1);
    return this.backoff.next(Date.now(), verdict.afterMilliseconds);
  }

  private async pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      this.keeper.changed();
    });
    this.wake = undefined;
  }
}

function pieceName(part: string, index: number, pieces: number): string {
  return pieces === 1 ? part : `${part} ${index + 1}/${pieces}`;
}

/** Whether a receiver has a piece: it, or a larger one that it is of. Each piece is divided in two. */
function isDone(done: ReadonlySet<string>, part: string, index: number, pieces: number): boolean {
  for (let [place, of] = [index, pieces]; of >= 1; place = Math.floor(place / 2), of /= 2) {
    if (done.has(pieceName(part, place, of))) return true;
  }
  return false;
}
