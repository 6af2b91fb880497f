import { join } from 'node:path';
import process from 'node:process';
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import type { Profile, WriteFailure } from '../engine';
import { type Logger, reasonOf } from '../log';
import { loadNative } from '../native';
import { UnwatchedWorker } from '../workers/watch';
import { add, type Counters, counterMemory, sharedCounters, UPLOAD_ENDS } from './counters';
import { FINISHED, sharedNow, type ThreadData, type ToMain, type ToThread, toHand } from './messages';
import { remedyFor, whyNoRoom, whyNoThread } from './no-thread';
import type { Place } from './place';
import { SPOOLED_PREFIX } from './seed';
import type { HandedProfile, Station } from './station';
import type { SnapshotReason } from './upload';

/** What delivery is made from. */
export interface DeliveryOptions extends Omit<ThreadData, 'isNative' | 'counters' | 'flags'> {
  logger: Logger;
  /** Told who gets profiles, where nobody has said so. */
  settled: (place: Place) => void;
}

/** Profiles that the thread has not brought to safety yet. It keeps fewer in memory: more are there only where it hangs. */
const MOST_HANDED = 64;
/** A thread that is so much later than it was to be is not waited for by `stop`. */
const SILENCE_MILLISECONDS = 2000;

/** The main thread's side of delivery: hands profiles to the delivery thread, and waits for it at the end of the process. */
export class Delivery {
  readonly counters: Counters;
  private readonly data: Omit<ThreadData, 'isNative'>;
  private readonly logger: Logger;
  private readonly settled: DeliveryOptions['settled'];
  private readonly flags: Int32Array;
  private worker: Worker | undefined;
  private port: MessagePort | undefined;
  /** Where there can be no thread, its work is done here. */
  private station: Station | undefined;
  /** What is not known to be in the spool or settled. */
  private readonly handed = new Map<number, HandedProfile>();
  /** What is being written to the output. */
  private readonly unfiled = new Set<number>();
  private hasLost = false;
  private lastFailure: string | undefined;
  private readonly rests = new Map<number, () => void>();
  /** What `finishSync` is to hand over. */
  private last: HandedProfile[] = [];
  /** Whether the sampler has written a last profile to the spool. */
  private isLastWritten = false;
  /** Whether this process has started others: it may before there is a thread. */
  private isMain = false;
  private numbers = 0;
  private isOver = false;

  constructor({ logger, settled, ...options }: DeliveryOptions) {
    this.logger = logger;
    this.settled = settled;
    const flags = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.flags = new Int32Array(flags);
    this.data = { ...options, counters: counterMemory(), flags };
    this.counters = sharedCounters(this.data.counters);
  }

  /** Starts the thread, unless there is one. */
  start(): void {
    if (this.worker || this.station || this.isOver) return;
    const shortage = whyNoRoom();
    if (shortage !== undefined) {
      this.giveUp(shortage);
      return;
    }
    const obstacle = whyNoThread();
    if (obstacle) {
      this.fallBack(obstacle.reason, obstacle.remedy);
      return;
    }
    try {
      // Not the worker's own port: a thread that is blocked can read from this one.
      const { port1, port2 } = new MessageChannel();
      const worker = new UnwatchedWorker(join(__dirname, 'thread.js'), {
        name: 'everflame-upload',
        execArgv: [],
        env: this.environment(),
        workerData: { ...this.data, isNative: this.isNative(), port: port2 },
        transferList: [port2],
      });
      port1.on('message', (message: ToMain) => this.answer(message));
      port1.unref();
      this.port = port1;
      worker.unref();
      worker.on('error', (error) => this.fallBack(reasonOf(error)));
      worker.on('exit', () => this.fallBack('it has ended'));
      this.worker = worker;
      if (this.isMain) this.post({ kind: 'main' });
    } catch (error) {
      this.fallBack(reasonOf(error));
    }
  }

  /** Hands a profile over. */
  hand(profile: Profile, reason: SnapshotReason, internal: Record<string, number>): void {
    const handed = toHand(profile, reason, internal);
    this.start();
    if (this.station) this.station.take(handed);
    else if (this.isOver) {
      this.handed.set(handed.sequence, handed);
      this.keepUnsafe();
    } else if (this.handed.size >= MOST_HANDED) this.lose(handed);
    else {
      this.handed.set(handed.sequence, handed);
      this.post({ kind: 'profile', profile: handed });
    }
  }

  /** The sampler could not write a profile there by itself. */
  spoolFailed({ path, reason }: WriteFailure): void {
    if (reason !== this.lastFailure) {
      this.logger.error(
        `cannot write profiles to ${path}: ${reason}. What the sampler writes by itself is lost. Name a folder that can be written with EVERFLAME_SPOOL_DIR=<dir>.`,
      );
    }
    this.lastFailure = reason;
  }

  /** The thread hangs: what is made then would fill the memory. */
  private lose({ sequence }: HandedProfile): void {
    add(this.counters, 'uploads_taken', 1);
    add(this.counters, 'uploads_lost', 1);
    if (!this.hasLost) {
      this.logger.error(
        'uploads hang, so profiles are lost. Does the spool answer? EVERFLAME_SPOOL_DIR=<dir> names another.',
      );
    }
    this.hasLost = true;
    this.becomeSafe(sequence);
  }

  /** Has the spool looked at: the sampler has written a profile there. */
  look(): void {
    this.start();
    if (this.station) this.station.look();
    else this.post({ kind: 'look' });
  }

  /** This profile goes to the output too, and is not forgotten before. */
  willBeFiled({ sequence }: Profile): void {
    this.unfiled.add(sequence);
  }

  isFiled({ sequence }: Profile): void {
    this.unfiled.delete(sequence);
    this.post({ kind: 'filed', sequence });
    if (!this.handed.has(sequence)) this.forgetProfile(sequence);
  }

  /** As `hand`, for a process that is about to end: `finishSync` hands it over. */
  handLast(profile: Profile, internal: Record<string, number>): void {
    // A period may have ended just before: of several the last one is the last.
    for (const earlier of this.last) earlier.reason = 'periodic';
    this.last.push(toHand(profile, 'on_shutdown', internal));
  }

  /** As `look`, for a process that is about to end: `finishSync` has it done. */
  lookLast(): void {
    this.isLastWritten = true;
  }

  /** Settles when all that was handed over is delivered, or waits for a receiver that did not take it. */
  async rest(): Promise<void> {
    if (this.station) return this.station.rest();
    if (!this.worker) return;
    const id = ++this.numbers;
    await new Promise<void>((resolve) => {
      this.rests.set(id, resolve);
      this.post({ kind: 'rest', id });
    });
  }

  /** This process has started others. */
  becomeMain(): void {
    this.isMain = true;
    if (this.station) this.station.becomeMain();
    else if (this.port) this.post({ kind: 'main' });
  }

  /**
   * Waits on this thread, for so long at most, until all that was handed over is sent, or written to the spool. For the end of the
   * process.
   */
  finishSync(milliseconds: number): void {
    const last = this.last.splice(0);
    // A thread that nobody waits for would be started in vain.
    if ((last.length > 0 || this.isLastWritten) && milliseconds > 0) this.start();
    if (this.station) {
      for (const profile of last) this.station.take(profile);
      this.station.finishSync();
      return;
    }
    for (const profile of last) this.handed.set(profile.sequence, profile);
    if (this.worker) this.waitForThread(last, milliseconds);
    this.takeAnswers();
    this.keepUnsafe();
  }

  private waitForThread(last: HandedProfile[], milliseconds: number): void {
    const { id, until } = this.askToFinish(milliseconds, last);
    for (
      let done = Atomics.load(this.flags, FINISHED);
      done < id;
      done = Atomics.load(this.flags, FINISHED)
    ) {
      const left = until - sharedNow();
      if (left <= 0 || Atomics.wait(this.flags, FINISHED, done, left) === 'timed-out') return;
    }
  }

  /** The thread has not come to these, or not to their end: whoever finds them in the spool sends them. */
  private keepUnsafe(): void {
    const { spool } = this.data;
    const profiles = [...this.handed.values()];
    if (profiles.length === 0) return;
    try {
      if (!spool) throw new Error('there is no spool (EVERFLAME_SPOOL)');
      const { writeProfileSync, profilePath } =
        require('../output/pprof-file') as typeof import('../output/pprof-file');
      for (const { sequence, data } of profiles) {
        writeProfileSync(profilePath(join(spool.folder, SPOOLED_PREFIX), sequence), data);
      }
    } catch (error) {
      this.logger.error(
        `the end of the process came before ${profiles.length === 1 ? '1 profile' : `${profiles.length} profiles`} could be sent, and nothing can be kept: ${reasonOf(error)}. What was not sent is lost. A longer EVERFLAME_EXIT_TIMEOUT may help.`,
      );
    }
    for (const sequence of [...this.handed.keys()]) this.becomeSafe(sequence);
  }

  /** A profile is in the spool or settled, or its loss was said: the sampler need not keep it either. */
  private becomeSafe(sequence: number): void {
    this.handed.delete(sequence);
    if (!this.unfiled.has(sequence)) this.forgetProfile(sequence);
  }

  private forgetProfile(sequence: number): void {
    const loaded = loadNative();
    if (loaded.ok) loaded.binding.forgetProfile(sequence);
  }

  /** Ends the thread, after everything was tried once more. */
  async stop(milliseconds: number): Promise<void> {
    if (this.isLastWritten) this.start();
    this.isOver = true;
    const { worker, station } = this;
    if (station) {
      await station.finish(milliseconds);
      station.close();
      return;
    }
    if (!worker) return;
    await this.finished(worker, milliseconds);
    worker.removeAllListeners('exit');
    this.worker = undefined;
    this.takeAnswers();
    this.port?.close();
    await worker.terminate();
    this.keepUnsafe();
    for (const settle of this.rests.values()) settle();
  }

  /** Settles when the thread has finished, has ended, or answers no more. */
  private async finished(worker: Worker, milliseconds: number): Promise<void> {
    const { id, until } = this.askToFinish(milliseconds, []);
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        clearInterval(timer);
        worker.removeListener('exit', settle);
        resolve();
      };
      const isDone = (): boolean =>
        Atomics.load(this.flags, FINISHED) >= id || sharedNow() > until + SILENCE_MILLISECONDS;
      const timer = setInterval(() => isDone() && settle(), 5);
      worker.once('exit', settle);
    });
  }

  private askToFinish(milliseconds: number, last: HandedProfile[]): { id: number; until: number } {
    const id = ++this.numbers;
    const until = sharedNow() + milliseconds;
    this.post({ kind: 'finish', id, until, last });
    return { id, until };
  }

  private post(message: ToThread): void {
    this.port?.postMessage(message);
  }

  private answer(message: ToMain): void {
    if (message.kind === 'safe') this.becomeSafe(message.sequence);
    else if (message.kind === 'line') this.logger[message.level](message.message);
    else if (message.kind === 'place') this.settled(message.place);
    else {
      this.rests.get(message.id)?.();
      this.rests.delete(message.id);
    }
  }

  /** What the thread has said while this one was blocked. */
  private takeAnswers(): void {
    if (!this.port) return;
    for (let found = receiveMessageOnPort(this.port); found; found = receiveMessageOnPort(this.port)) {
      this.answer(found.message as ToMain);
    }
  }

  /** Whether the native sampler runs: then it has the profiles that nobody has taken. */
  private isNative(): boolean {
    const loaded = loadNative();
    return loaded.ok && loaded.binding.status().running;
  }

  /** Proxies, certificates and time zones are the program's; its flags are not for this thread. */
  private environment(): NodeJS.ProcessEnv {
    const { NODE_OPTIONS: _, ...rest } = process.env;
    return rest;
  }

  /** There is no thread: what it would do is done here, between the program's own work. */
  private fallBack(reason: string, remedy = remedyFor(reason)): void {
    this.worker = undefined;
    // What it has brought away before is not taken again.
    this.takeAnswers();
    if (this.station || this.isOver) return;
    this.logger.warn(
      `uploads have no thread of their own (${reason}), so they are made on the main thread. ${remedy}`,
    );
    try {
      this.standIn();
    } catch (error) {
      this.giveUp(reasonOf(error));
    }
  }

  private standIn(): void {
    const { Station: OwnStation } = require('./station') as typeof import('./station');
    this.forgetTaken();
    this.station = new OwnStation({
      ...this.data,
      safe: (sequence) => this.becomeSafe(sequence),
      // No signal that ends the process waits for this thread.
      isEnding: () => false,
      counters: this.counters,
      logger: this.logger,
      settled: this.settled,
    });
    if (this.isMain) this.station.becomeMain();
    for (const profile of [...this.handed.values()]) this.station.take(profile);
    for (const settle of this.rests.values()) void this.station.rest().then(settle);
    this.rests.clear();
  }

  /** What the thread had taken and not settled is taken again. */
  private forgetTaken(): void {
    const { counters } = this;
    counters.uploads_taken = UPLOAD_ENDS.reduce((sum, name) => sum + counters[name], 0);
  }

  /** Nobody sends: the package is gone from the disk, say. The program runs on. */
  private giveUp(reason: string): void {
    this.isOver = true;
    this.station = undefined;
    this.logger.error(
      `uploads cannot be made: ${reason}. The program runs on, and its profiles stay in the spool.`,
    );
    this.keepUnsafe();
    for (const settle of this.rests.values()) settle();
    this.rests.clear();
  }
}
