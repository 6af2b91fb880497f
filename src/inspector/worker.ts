import { BroadcastChannel, threadId } from 'node:worker_threads';
import { ThreadCollector } from './collector';
import { COMMANDS, type Command, RESULTS, type Result } from './messages';

/** Profiles this worker with V8's profiler and hands each period to the main thread when asked. */
export function collectInWorker(intervalNanoseconds: number): void {
  const collector = new ThreadCollector(intervalNanoseconds);
  const commands = new BroadcastChannel(COMMANDS) as BroadcastChannel & { unref(): void };
  // The worker ends when its own work is done.
  commands.unref();
  const finish = (): void => {
    commands.close();
    process.removeListener('exit', finish);
    send({ kind: 'bye', threadId, period: collector.stop() });
  };
  commands.onmessage = (message) => {
    const { action } = (message as MessageEvent<Command>).data;
    if (action === 'stop') finish();
    else send({ kind: 'period', threadId, period: collector.cut() });
  };
  process.on('exit', finish);
  send({ kind: 'hello', threadId });
}

interface MessageEvent<T> {
  data: T;
}

function send(result: Result): void {
  const results = new BroadcastChannel(RESULTS);
  results.postMessage(result);
  results.close();
}
