import { reasonOf } from '../log';
import type { Backoff } from './backoff';
import type { Clock } from './clock';
import { add, type Counters } from './counters';
import type { OpenRoute } from './open-route';
import { oldestFirst, type Parcel } from './parcel';
import { begun, isDone, MOST_PIECES, type PieceRequest, pieceRequest, piecesOf } from './pieces';
import { remedyForStatus } from './remedy';
import { NoAnswer, type Send } from './send';
import { splitUpload } from './split';
import { Turn } from './turn';
import type { Exporter, OutgoingRequest, Upload, Verdict } from './upload';

/** How often an exporter may change its way to send one upload. */
const MOST_WAYS = 4;

/** What a lane needs of whoever keeps the uploads. */
export interface Keeper {
  /**
   * The upload of a parcel, read from the spool where it is there; undefined where it is gone or damaged, which is settled.
   * Rejects with the system's error where it cannot be read now.
   */
  open(parcel: Parcel, lane: Lane): Promise<Upload | undefined>;
  /** It could not be sent at the first attempt: it goes to the spool. */
  keep(parcel: Parcel): void;
  /** A receiver has a part of it. */
  note(parcel: Parcel, upload: Upload): void;
  /** A receiver has all of it, or never will. */
  settle(parcel: Parcel, lane: Lane, upload: Upload): void;
  /** The lane has begun to rest. */
  changed(): void;
}

/** What a lane says. */
export interface Voice {
  /** `remedy`: what to do, where how it failed tells. */
  failing(exporter: Exporter, reason: string, remedy?: string): void;
  recovered(exporter: Exporter, waiting: number): void;
  passedOver(exporter: Exporter, failures: number): void;
  refused(exporter: Exporter, reason: string, remedy: string, isPart?: boolean): void;
  tooLarge(exporter: Exporter, reason: string, pieces: number): void;
  notice(exporter: Exporter, notice: string): void;
  unfit(exporter: Exporter, reason: string): void;
}

/** What a lane is made of. */
export interface LaneOptions {
  send: Send;
  keeper: Keeper;
  voice: Voice;
  counters: Counters;
  clock: Clock;
  backoff: Backoff;
  /** Where nobody has said who gets profiles: whether this receiver does, and what becomes of them if not. */
  open?: OpenRoute | undefined;
}

/** `kept`: in the inbox, as this receiver is none. */
type Settled = 'delivered' | 'refused' | 'damaged' | 'kept';
/**
 * `gone`: somebody else has settled it. `on`: another is tried at once. With `after` the next is tried so many milliseconds later.
 */
type Outcome = { settled: Settled; upload: Upload } | 'gone' | 'on' | { after: number };

/** Why something was not taken. */
interface Failure {
  reason: string;
  remedy?: string | undefined;
  /** The receiver's own word on when to come again. */
  afterMilliseconds?: number;
  /** The receiver was reached, so it may be for what is in the profile. */
  isOfProfile?: boolean;
}

/** By which a receiver is known in the spool: the same in all processes that send to it for the same account. */
export function laneKey({ name, destination, account }: Exporter): string {
  return account === undefined ? `${name} ${destination}` : `${name} ${destination} #${account}`;
}

/** Brings parcels to one receiver, one after the other, the oldest first but for those that are passed over. */
export class Lane {
  readonly key: string;
  private parcels: Parcel[] = [];
  private sent: Parcel | undefined;
  private working = false;
  private failing = false;
  private readonly turn = new Turn();
  /** All that waits is passed over. */
  private idle = false;
  private pieces = 1;
  /** Why there are more of them now, until one was taken and it can be said in how many parts uploads are sent. */
  private divided: string | undefined;
  /**
   * The requests of what was tried last, while it is tried again: to convert a profile takes far longer than to read it. Those of
   * one parcel at most: they may be as large as it.
   */
  private converted: { parcel: Parcel; pieces: number; requests: PieceRequest[] } | undefined;
  private wake: (() => void) | undefined;
  /** Aborted with what is being sent when the process ends. */
  private abort = new AbortController();

  constructor(
    readonly exporter: Exporter,
    private readonly options: LaneOptions,
  ) {
    this.key = laneKey(exporter);
  }

  /** Whether it has nothing to do, or does nothing until its pause is over. */
  get rests(): boolean {
    return this.parcels.length === 0 || this.wake !== undefined || this.isStopped;
  }

  /** Whether something is being sent just now to a receiver that has not failed: nothing was said of it yet. */
  get isWithoutAnswer(): boolean {
    return this.sent !== undefined && !this.failing;
  }

  /** Whether a parcel is being sent just now, so that nobody can say yet what becomes of it. */
  isSending(parcel: Parcel): boolean {
    return this.sent === parcel;
  }

  /** Takes parcels to send, and begins anew where it was stopped. */
  add(parcels: readonly Parcel[]): void {
    if (this.isStopped) this.abort = new AbortController();
    if (parcels.length > 0) {
      this.parcels = oldestFirst([...this.parcels, ...parcels]);
      if (this.idle) this.wake?.();
    }
    void this.work();
  }

  drop(parcel: Parcel): void {
    const place = this.parcels.indexOf(parcel);
    if (place >= 0) this.parcels.splice(place, 1);
    if (this.converted?.parcel === parcel) this.converted = undefined;
    this.turn.drop(parcel);
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

  private get isStopped(): boolean {
    return this.abort.signal.aborted;
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    while (!this.isStopped) {
      const now = this.options.clock.steady();
      const parcel = this.turn.next(this.parcels, now, this.failing);
      const { due } = this.turn;
      if (parcel) {
        const outcome = await this.attempt(parcel);
        this.sent = undefined;
        this.conclude(parcel, outcome);
        if (typeof outcome === 'object' && 'after' in outcome && !this.isStopped)
          await this.pause(outcome.after);
      } else if (due === undefined) break;
      else {
        this.idle = true;
        await this.pause(due - now);
        this.idle = false;
      }
    }
    this.working = false;
    this.options.keeper.changed();
  }

  private async attempt(parcel: Parcel): Promise<Outcome> {
    const { keeper, voice } = this.options;
    let upload: Upload | undefined;
    try {
      upload = await keeper.open(parcel, this);
    } catch (error) {
      // No file descriptor is free, say: the profile itself may be well.
      return this.failed(parcel, { reason: `a profile cannot be read: ${reasonOf(error)}` });
    }
    if (!upload) return 'gone';
    this.sent = parcel;
    try {
      return (await this.keepInInbox(parcel, upload)) ?? (await this.bring(parcel, upload));
    } catch (error) {
      voice.unfit(this.exporter, reasonOf(error));
      return { settled: 'damaged', upload };
    }
  }

  private conclude(parcel: Parcel, outcome: Outcome): void {
    const { keeper, voice, counters, backoff } = this.options;
    // It was given up and counted meanwhile.
    if (outcome === 'gone' || !parcel.pending.has(this.key)) return;
    if (outcome === 'on' || 'after' in outcome) {
      keeper.keep(parcel);
      return;
    }
    const { settled, upload } = outcome;
    const isTaken = settled === 'delivered' || settled === 'refused';
    const passed = isTaken ? this.turn.taken(parcel) : undefined;
    add(counters, `uploads_${settled}`, 1);
    this.drop(parcel);
    keeper.settle(parcel, this, upload);
    if (settled === 'damaged') return;
    backoff.reset();
    if (this.failing && settled !== 'kept') voice.recovered(this.exporter, this.parcels.length);
    this.failing = false;
    if (passed) this.passOver(passed);
  }

  /** The receiver has failed on one so often, and takes others. */
  private passOver({ parcel, failures }: { parcel: Parcel; failures: number }): void {
    const { voice, clock, backoff } = this.options;
    this.turn.passOver(parcel, failures, clock.steady() + backoff.pauseAfter(failures));
    voice.passedOver(this.exporter, failures);
  }

  /** Where the receiver is none: the upload is kept as if there was nobody. Undefined where it is to be sent. */
  private async keepInInbox(parcel: Parcel, upload: Upload): Promise<Outcome | undefined> {
    const { open } = this.options;
    if (!open) return undefined;
    try {
      if (await open.isForAgent()) return undefined;
      // It was written down, or counted as lost.
      if (this.isStopped || !parcel.pending.has(this.key)) return { after: 0 };
      open.keep(upload);
      return { settled: 'kept', upload };
    } catch (error) {
      return this.failed(parcel, { reason: reasonOf(error) });
    }
  }

  private async bring(parcel: Parcel, upload: Upload): Promise<Outcome> {
    const { keeper, voice } = this.options;
    const done = parcel.pending.get(this.key) ?? new Set<string>();
    let pieces = piecesOf(done) ?? this.pieces;
    let isRefused = false;
    let ways = 0;
    for (let again = true; again; ) {
      again = false;
      const requests = await this.requests(parcel, upload, pieces, done);
      for (const { request, name } of inOrder(requests, pieces).filter((one) => !done.has(one.name))) {
        const verdict = await this.ask(request);
        if (verdict === 'broken off') return { after: 0 };
        if (verdict.kind === 'retry') return this.failed(parcel, verdict);
        if (verdict.kind === 'too-large') {
          if (pieces >= MOST_PIECES) {
            // What is not sent yet is not smaller.
            this.refuse(verdict.reason, done.size > 0);
            return { settled: 'refused', upload };
          }
          this.divide(verdict.reason, pieces);
          pieces *= 2;
          for (const rest of begun(requests, done)) {
            isRefused = true;
            done.add(rest.name);
          }
          if (isRefused) this.refuse(verdict.reason, true);
          again = true;
          break;
        }
        if (verdict.kind === 'otherwise') {
          ways += 1;
          this.converted = undefined;
          if (ways > MOST_WAYS) return this.failed(parcel, verdict);
          again = true;
          break;
        }
        done.add(name);
        keeper.note(parcel, upload);
        if (verdict.kind === 'refused') {
          isRefused = true;
          voice.refused(this.exporter, verdict.reason, verdict.remedy, verdict.isPart);
        } else this.taken(verdict, pieces);
      }
    }
    return { settled: isRefused ? 'refused' : 'delivered', upload };
  }

  private taken({ notice }: Extract<Verdict, { kind: 'delivered' }>, pieces: number): void {
    const { voice } = this.options;
    if (notice) voice.notice(this.exporter, notice);
    if (this.divided !== undefined && pieces > 1) {
      voice.tooLarge(this.exporter, this.divided, this.pieces);
      this.divided = undefined;
    }
  }

  /** What there is to send of an upload in so many pieces, without the larger pieces that are done. */
  private async requests(
    parcel: Parcel,
    upload: Upload,
    pieces: number,
    done: ReadonlySet<string>,
  ): Promise<PieceRequest[]> {
    if (this.converted?.parcel === parcel && this.converted.pieces === pieces) return this.converted.requests;
    this.converted = undefined;
    const uploads = pieces === 1 ? new Map([[0, upload]]) : await splitUpload(upload, pieces);
    const all = await Promise.all(
      [...uploads].map(async ([index, piece]) => ({ index, ofPiece: await this.exporter.requests(piece) })),
    );
    const requests = all.flatMap(({ index, ofPiece }) =>
      ofPiece
        .map((request) => pieceRequest(request, index, pieces))
        .filter(({ name, request }) => done.has(name) || !isDone(done, request.part, index, pieces)),
    );
    // Not of one that was given up meanwhile.
    if (parcel.pending.has(this.key)) this.converted = { parcel, pieces, requests };
    return requests;
  }

  private async ask(
    request: OutgoingRequest,
  ): Promise<Exclude<Verdict, { kind: 'retry' }> | ({ kind: 'retry' } & Failure) | 'broken off'> {
    const { send, counters } = this.options;
    const { signal } = this.abort;
    add(counters, 'upload_attempts', 1);
    try {
      const answer = await send(request, signal);
      const verdict = this.exporter.judge(answer, request);
      if (verdict.kind === 'delivered') add(counters, 'upload_bytes', request.body.length);
      if (verdict.kind !== 'retry') return verdict;
      // At its limit, or where it names a time, a receiver takes no other one either.
      const isOfProfile = answer.status !== 429 && verdict.afterMilliseconds === undefined;
      return { ...verdict, isOfProfile, remedy: remedyForStatus(answer.status) };
    } catch (error) {
      // It was broken off by us, which says nothing of the receiver.
      if (signal.aborted) return 'broken off';
      if (error instanceof NoAnswer) {
        const { message: reason, isSent: isOfProfile, remedy } = error;
        return { kind: 'retry', reason, isOfProfile, remedy };
      }
      throw error;
    }
  }

  /** From now on uploads are sent in twice as many pieces. */
  private divide(reason: string, pieces: number): void {
    this.pieces = Math.max(this.pieces, pieces * 2);
    this.divided = reason;
    add(this.options.counters, 'upload_splits', 1);
  }

  private refuse(reason: string, isPart: boolean): void {
    if (!isPart) {
      // It has not helped: the next is not sent in as many requests for nothing.
      this.pieces = 1;
      this.divided = undefined;
    }
    const remedy = 'Lower the rate (EVERFLAME_RATE) or the period (DD_PROFILING_UPLOAD_INTERVAL).';
    this.options.voice.refused(this.exporter, reason, remedy, isPart);
  }

  private failed(parcel: Parcel, failure: Failure): Outcome {
    const { reason, remedy, afterMilliseconds = 0, isOfProfile = false } = failure;
    const { voice, counters, clock, backoff } = this.options;
    const now = clock.steady();
    add(counters, 'upload_retries', 1);
    const before = this.turn.failuresOf(parcel);
    if (before !== undefined) {
      this.turn.putOff(parcel, now + Math.max(backoff.pauseAfter(before + 1), afterMilliseconds));
      return 'on';
    }
    if (!this.failing) voice.failing(this.exporter, reason, remedy);
    this.failing = true;
    // In the same moment: that the receiver takes one now says nothing of why it did not take another before.
    if (this.turn.failed(parcel, isOfProfile, this.parcels)) return 'on';
    return { after: backoff.next(now, afterMilliseconds) };
  }

  private async pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        callOff();
        this.wake = undefined;
        resolve();
      };
      const callOff = this.options.clock.later(milliseconds, end);
      this.wake = end;
      this.options.keeper.changed();
    });
  }
}

/** Where pieces cannot be divided any more the smallest is sent first: if it is too large, all are. */
function inOrder(requests: readonly PieceRequest[], pieces: number): readonly PieceRequest[] {
  if (pieces < MOST_PIECES) return requests;
  return [...requests].sort((a, b) => a.request.body.length - b.request.body.length);
}
