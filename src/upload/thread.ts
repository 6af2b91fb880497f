/** The delivery thread: a station that is talked to by messages. */
import { threadId, workerData } from 'node:worker_threads';
import type { LogLevel } from '../config/settings';
import { Logger, type UserLogger } from '../log';
import { loadNative, type NativeBinding } from '../native';
import { sharedCounters } from './counters';
import { FINISHED, forSending, type ThreadWorkerData, type ToMain, type ToThread } from './messages';
import { Station } from './station';

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
    (message: string): void =>
      tellMain({ kind: 'line', level, message });
  const user: UserLogger = {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
  };
  return new Logger(data.logLevel, user);
}

const logger = makeLogger();
const station = new Station({ ...data, counters: sharedCounters(data.counters), logger });
const native = data.isNative ? joinSampler() : undefined;

/** The thread is profiled under its own name, and fetches the last profile where a signal ends the process. */
function joinSampler(): NativeBinding | undefined {
  const loaded = loadNative();
  if (!loaded.ok) return undefined;
  const { binding } = loaded;
  binding.attachThread(threadId, 'everflame-upload');
  binding.onLastProfile(() => {
    void station.finish(forSending(data.exitMilliseconds)).finally(() => binding.lastProfileIsSent());
  });
  return binding;
}

data.port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'profile': {
      const { profile } = message;
      // Where the sampler has written it meanwhile it is in the spool.
      if (!native || native.claimProfile(profile.sequence)) station.take(profile);
      native?.forgetProfile(profile.sequence);
      tellMain({ kind: 'taken', sequence: profile.sequence });
      return;
    }
    case 'look':
      station.look();
      return;
    case 'rest':
      void station.rest().then(() => tellMain({ kind: 'rested', id: message.id }));
      return;
    case 'main':
      return station.becomeMain();
    case 'finish':
      void station.finish(message.milliseconds).finally(() => {
        Atomics.store(flags, FINISHED, message.id);
        Atomics.notify(flags, FINISHED);
      });
      return;
  }
});
