/** The delivery thread: a station that is talked to by messages. */
import { receiveMessageOnPort, threadId, workerData } from 'node:worker_threads';
import type { LogLevel } from '../config/settings';
import { Logger, reasonOf, type UserLogger } from '../log';
import { loadNative, type NativeBinding } from '../native';
import { sharedCounters } from './counters';
import { internalFigures } from './internal';
import {
  FINISHED,
  forSending,
  sharedNow,
  type ThreadWorkerData,
  type ToMain,
  type ToThread,
  toHand,
} from './messages';
import type { HandedProfile } from './station';

/** The last profile may take so long to be made, whatever the limit for the end: on the main thread too. */
const MAKING_MILLISECONDS = 250;

const data = workerData as ThreadWorkerData;
const flags = new Int32Array(data.flags);

function tellMain(message: ToMain): void {
  data.port.postMessage(message);
}

/** The program's own logger is on the main thread. */
function makeLogger(): Logger {
  if (!data.hasUserLogger) return new Logger(data.logLevel);
  const say =
    (level: Exclude<LogLevel, 'off'>) =>
    (line: string): void =>
      // The logger there puts the name before it again.
      tellMain({ kind: 'line', level, message: line.replace(/^everflame: /, '') });
  const user: UserLogger = {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
  };
  return new Logger(data.logLevel, user);
}

/**
 * Node.js 20 and 22 begin a parser in WebAssembly with what HTTP loads, and reserve ten gigabytes of addresses for it. Under a limit
 * (`ulimit -v`) that is rejected, and nothing here needs the parser.
 */
process.on('unhandledRejection', (error) => {
  if (!(error instanceof RangeError && error.message.startsWith('WebAssembly'))) throw error;
});

const native = data.isNative ? joinSampler() : undefined;
const logger = makeLogger();
// Not above: a signal may end the process while this is loaded, and the sampler is to know by then that somebody comes.
const { Station } = require('./station') as typeof import('./station');
const station = new Station({
  ...data,
  safe,
  counters: sharedCounters(data.counters),
  logger,
  isEnding: () => native?.isEnding() ?? false,
  settled: (place) => tellMain({ kind: 'place', place }),
});
// Last: whoever finds this thread in the status may count on it.
try {
  native?.attachThread(threadId, 'everflame-upload');
} catch (error) {
  logger.debug(`uploads are not profiled under the name of their thread: ${reasonOf(error)}`);
}

/** The thread fetches the last profile where a signal ends the process, and is profiled under its own name. */
function joinSampler(): NativeBinding | undefined {
  const loaded = loadNative();
  if (!loaded.ok) return undefined;
  const { binding } = loaded;
  // What the sampler says does not reach the program's own logger.
  const tellsOfLoss = !data.spool && data.logLevel !== 'off' && !data.hasUserLogger;
  binding.onLastProfile(() => {
    const until = sharedNow() + data.exitMilliseconds;
    if (!data.spool) takeLast(binding);
    void station
      .finish(forSending(Math.max(0, until - sharedNow())))
      .finally(() => binding.lastProfileIsSent());
  }, tellsOfLoss);
  return binding;
}

/** Profiles that the main thread is writing to the output. With a spool the sampler has them too until they are there. */
const unfiled = new Map<number, HandedProfile>();

/**
 * Without a spool the sampler has written nothing: what it has is fetched, after what the main thread had handed over. That may be
 * blocked with a file half written.
 */
function takeLast(binding: NativeBinding): void {
  handleAll();
  for (const profile of unfiled.values()) station.fileForMain(profile);
  try {
    const limit = Math.max(MAKING_MILLISECONDS, data.exitMilliseconds);
    const last = binding.flushSync('gzip', limit);
    if (last === null) logger.warn(`the last profile was not ready within ${limit} ms and is lost.`);
    const profiles = [...binding.takeUndelivered(), ...(last ? [last] : [])].filter(
      ({ samples }) => samples > 0,
    );
    const internal = internalFigures(binding.metrics());
    for (const [index, profile] of profiles.entries()) {
      const reason = index === profiles.length - 1 ? 'on_shutdown' : 'periodic';
      station.takeForMain(toHand(profile, reason, internal));
    }
  } catch (error) {
    logger.error(`the last profile could not be made: ${reasonOf(error)}.`);
  }
}

/** Takes a profile, unless the sampler has written it meanwhile: then it is in the spool. Without one it writes nothing. */
function take(profile: HandedProfile): void {
  if (!native || !data.spool || native.claimProfile(profile.sequence)) station.take(profile);
  else safe(profile.sequence);
}

/**
 * Until then the sampler and the main thread keep a profile too: this thread may be held up when the process ends. The sampler also
 * until the main thread has written it to the output.
 */
function safe(sequence: number): void {
  if (data.seed.outputPrefix === undefined) native?.forgetProfile(sequence);
  tellMain({ kind: 'safe', sequence });
}

function handle(message: ToThread): void {
  switch (message.kind) {
    case 'profile':
      if (!data.spool && data.seed.outputPrefix !== undefined) {
        unfiled.set(message.profile.sequence, message.profile);
      }
      take(message.profile);
      break;
    case 'filed':
      unfiled.delete(message.sequence);
      break;
    case 'look':
      station.look();
      break;
    case 'rest':
      void station.rest().then(() => tellMain({ kind: 'rested', id: message.id }));
      break;
    case 'main':
      station.becomeMain();
      break;
    case 'finish':
      message.last.forEach(take);
      void station.finish(forSending(Math.max(0, message.until - sharedNow()))).finally(() => {
        Atomics.store(flags, FINISHED, message.id);
        Atomics.notify(flags, FINISHED);
      });
  }
}

function handleAll(): void {
  for (let next = receiveMessageOnPort(data.port); next; next = receiveMessageOnPort(data.port)) {
    handle(next.message as ToThread);
  }
}

data.port.on('message', (message: ToThread) => {
  handle(message);
  // All that waits behind it, before anything is sent: the first upload loads axios, which takes its time, and `finish` writes
  // down what could not be sent by then, with all that goes with it.
  handleAll();
});
