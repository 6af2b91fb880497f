import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { Logger } from '#src/log.js';
import { type Counters, counterMemory, sharedCounters } from '#src/upload/counters.js';
import { Dispatcher, type SpooledProfile } from '#src/upload/dispatcher.js';
import { laneKey } from '#src/upload/lane.js';
import type { OpenRoute } from '#src/upload/open-route.js';
import { makeSpoolFolder, type Seed, seedOf } from '#src/upload/seed.js';
import { makeSend, type Send } from '#src/upload/send.js';
import { Spool } from '#src/upload/spool.js';
import { Station, type StationOptions } from '#src/upload/station.js';
import type { Exporter, Identity, Upload } from '#src/upload/upload.js';
import { LoggedVoice } from '#src/upload/voice.js';
import { encodeProfile } from '../../support/build-profile.js';
import { givenIdentity } from '../../support/build-upload.js';
import { WALL_TYPES, wallSamples } from '../../support/truth.js';
import { HandClock } from './hand-clock.js';

/** No receiver of these tests is so slow. */
const LONG_MILLISECONDS = 60_000;
export const PERIOD_MILLISECONDS = 60_000;
const DAY_MILLISECONDS = 86_400_000;

export interface ProcessOptions {
  exporters: Exporter[];
  /** The spool, or undefined for none. */
  root?: string;
  clock?: HandClock;
  send?: Send;
  always?: boolean;
  /** Nobody has said who gets its profiles. */
  open?: OpenRoute;
  limits?: { bytes?: number; ageMilliseconds?: number };
  /** What others find of it in the spool. */
  seed?: Partial<Seed>;
}

/** Of a process that has ended: no process number is as high. */
export const ENDED: Partial<Seed> = { pid: 2 ** 30, startTicks: 1 };

/** What one process has of delivery, without its thread: a dispatcher, its spool, its counters and its lines in the log. */
export interface DeliveringProcess {
  dispatcher: Dispatcher;
  spool: Spool | undefined;
  seed: Seed;
  identity: Identity;
  counters: Counters;
  clock: HandClock;
  lines: string[];
  /** Numbers of profiles that nobody else need keep. */
  safe: number[];
  /** Takes profiles of these numbers. */
  take(...sequences: number[]): void;
  /** Takes over what others have left, and what the sampler has written. */
  look(): void;
  /** Goes on until nothing waits, at most for so long by its clock. */
  untilSent(mostMilliseconds?: number): Promise<void>;
}

/** A seed of a process that runs: this one. */
export function givenSeed(changes: Partial<Seed> = {}): Seed {
  return { ...seedOf('manual', ['datadog'], undefined, {}, {}), ...changes };
}

/** A process that delivers, with the pauses as long as they can be. */
export function givenProcess(t: ExecutionContext, options: ProcessOptions): DeliveringProcess {
  const { exporters, root, clock = new HandClock(), always = false, limits } = options;
  const seed = givenSeed({ runtimeId: randomUUID(), ...options.seed });
  const identity = givenIdentity({ runtimeId: seed.runtimeId });
  const counters = sharedCounters(counterMemory());
  const lines: string[] = [];
  const safe: number[] = [];
  const say = (line: string): void => {
    lines.push(line);
  };
  const logger = new Logger('debug', { error: say, warn: say, info: say, debug: say });
  const spoolLimits = { bytes: 2 ** 30, ageMilliseconds: DAY_MILLISECONDS, ...limits };
  const folder = root && makeSpoolFolder(root, seed);
  const spool = root && folder ? new Spool(root, folder, seed, spoolLimits, counters, clock) : undefined;
  const dispatcher = new Dispatcher({
    exporters,
    spool,
    always,
    safe: (sequence) => safe.push(sequence),
    open: options.open,
    send: options.send ?? makeSend('everflame/test', LONG_MILLISECONDS),
    voice: new LoggedVoice(logger, 'They wait.', () => clock.steady()),
    counters,
    clock,
    complete: (profiles) => profiles,
    retryMilliseconds: 60_000,
    periodMilliseconds: PERIOD_MILLISECONDS,
    random: () => 1,
  });
  t.teardown(() => dispatcher.stop());
  const receivers = exporters.map(laneKey);
  const identities = new Map([[seed.runtimeId, identity]]);
  const spooled = (file: SpooledProfile['file'], id: string): SpooledProfile => {
    const theirs = identities.get(id) ?? givenIdentity({ runtimeId: id });
    identities.set(id, theirs);
    return { file, identity: theirs, reason: 'on_shutdown', receivers };
  };
  const look = (): void => {
    dispatcher.tidy();
    const own = spool?.own() ?? [];
    const others = spool?.takeOver(() => true) ?? [];
    dispatcher.takeSpooled(own.map((file) => spooled(file, seed.runtimeId)));
    dispatcher.takeSpooled(others.map(({ file, seed: theirs }) => spooled(file, theirs.runtimeId)));
  };
  return {
    dispatcher,
    spool,
    seed,
    identity,
    counters,
    clock,
    lines,
    safe,
    look,
    take: (...sequences) => {
      for (const sequence of sequences) dispatcher.take(givenProfile(identity, sequence));
    },
    untilSent: async (mostMilliseconds = DAY_MILLISECONDS) => {
      const end = clock.steady() + mostMilliseconds;
      for (;;) {
        await dispatcher.rest();
        if (waiting(counters) === 0) return;
        if (clock.steady() > end || !clock.toNext()) return;
      }
    },
  };
}

/** A profile of a process, small, with sums that only it has. */
export function givenProfile(identity: Identity, sequence: number, samples = 11): Upload {
  const end = BigInt(Date.now()) * 1_000_000n;
  const start = end - 60_000_000_000n;
  const period = { start, durationNanoseconds: 60_000_000_000n, period: 10_101_010 };
  const data = encodeProfile(WALL_TYPES, wallSamples(samples + sequence, 7, start), period);
  return {
    identity,
    sequence,
    start,
    end,
    reason: 'periodic',
    attachments: [{ name: 'wall.pprof', data }],
    internal: {},
  };
}

/** What of the taken is neither sent nor counted as dropped. */
export function waiting(counters: Counters): number {
  const { uploads_taken: taken, uploads_delivered: delivered, uploads_elsewhere: elsewhere } = counters;
  return taken - delivered - elsewhere - counters.uploads_kept - dropped(counters);
}

export function dropped(counters: Counters): number {
  return (
    counters.uploads_refused +
    counters.uploads_expired +
    counters.uploads_evicted +
    counters.uploads_damaged +
    counters.uploads_gone +
    counters.uploads_lost
  );
}

/** The counters that are not zero, of those that say what has become of profiles. */
export function fates(counters: Counters): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counters).filter(([name, count]) => name.startsWith('uploads_') && count !== 0),
  );
}

/** What a delivery thread does, on this one: of a process with this seed, which has a folder in the spool. */
export function givenStation(
  seed: Seed,
  spool: StationOptions['spool'],
  changes: Partial<StationOptions> = {},
): Station {
  return new Station({
    seed,
    spool,
    always: false,
    periodMilliseconds: PERIOD_MILLISECONDS,
    safe: () => undefined,
    settled: () => undefined,
    open: undefined,
    isEnding: () => false,
    counters: sharedCounters(counterMemory()),
    logger: new Logger('off'),
    ...changes,
  });
}
