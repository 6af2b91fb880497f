/**
 * `everflame/auto`, for `node --require` and `node --import`: starts the profiler before the program, and joins worker
 * threads to it. Whatever goes wrong here ends in a log line; the program starts in any case.
 */
import { isMainThread } from 'node:worker_threads';
import { readSetting } from './config/resolve';
import { Logger, messageOf } from './log';

// Each thread loads no more than it needs: this is the program's starting time.
if (isMainThread) startProfiler();
else (require('./workers/attach') as typeof import('./workers/attach')).attachWorker();

function startProfiler(): void {
  // What is wrong with a setting is for the profiler to say, which reads them all.
  if (!readSetting('enabled', process.env)) return;
  const { Profiler } = require('./profiler') as typeof import('./profiler');
  const { reportStart, reportToRun } = require('./run-report') as typeof import('./run-report');
  try {
    const profiler = new Profiler({}, 'preload').start();
    const { running, output } = profiler.status;
    if (running && output !== undefined) reportStart(output);
  } catch (error) {
    const reason = messageOf(error);
    new Logger(readSetting('logLevel', process.env)).error(`${reason}. The program runs without a profiler.`);
    reportToRun({ kind: 'failed', pid: process.pid, reason });
  }
}
