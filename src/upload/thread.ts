/** The delivery thread: a station that is talked to by messages. */
import { receiveMessageOnPort, threadId, workerData } from 'node:worker_threads';
import type { LogLevel } from '../config/settings';
import { Logger, type UserLogger } from '../log';
import { loadNative, type NativeBinding } from '../native';
import { sharedCounters } from './counters';
import {
  FINISHED,
  forSending,
  sharedNow,
  type ThreadWorkerData,
  type ToMain,
  type ToThread,
} from './messages';
import type { HandedProfile } from './station';

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

const native = data.isNative ? joinSampler() : undefined;
const logger = makeLogger();
// Not above: a signal may end the process while this is loaded, and the sampler is to know by then that somebody comes.
const { Station } = require('./station') as typeof import('./station');
const station = new Station({ ...data, counters: sharedCounters(data.counters), logger });
// Last: whoever finds this thread in the status may count on it.
native?.attachThread(threadId, 'everflame-upload');

/** The thread fetches the last profile where a signal ends the process, and is profiled under its own name. */
function joinSampler(): NativeBinding | undefined {
  const loaded = loadNative();
  if (!loaded.ok) return undefined;
  const { binding } = loaded;
  binding.onLastProfile(() => {
    void station.finish(forSending(data.exitMilliseconds)).finally(() => binding.lastProfileIsSent());
  });
  return binding;
}

/** Takes a profile, unless the sampler has written it meanwhile: then it is in the spool. Without one it writes nothing. */
function take(profile: HandedProfile): void {
  if (!native || !data.spool || native.claimProfile(profile.sequence)) station.take(profile);
  native?.forgetProfile(profile.sequence);
}

/** Returns the profiles that came with the message. */
function handle(message: ToThread): HandedProfile[] {
  switch (message.kind) {
    case 'profile':
      take(message.profile);
      return [message.profile];
    case 'look':
      station.look();
      return [];
    case 'rest':
      void station.rest().then(() => tellMain({ kind: 'rested', id: message.id }));
      return [];
    case 'main':
      station.becomeMain();
      return [];
    case 'finish':
      message.last.forEach(take);
      void station.finish(forSending(Math.max(0, message.until - sharedNow()))).finally(() => {
        Atomics.store(flags, FINISHED, message.id);
        Atomics.notify(flags, FINISHED);
      });
      return message.last;
  }
}

data.port.on('message', (message: ToThread) => {
  const taken = handle(message);
  // All that waits behind it, before anything is sent: the first upload loads axios, which takes its time, and `finish` writes
  // down what nobody else will have once it is answered for.
  for (let next = receiveMessageOnPort(data.port); next; next = receiveMessageOnPort(data.port)) {
    taken.push(...handle(next.message as ToThread));
  }
  if (taken.length > 0) tellMain({ kind: 'taken', sequences: taken.map(({ sequence }) => sequence) });
});
