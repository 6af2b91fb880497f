/**
 * `everflame/auto`, for `node --require` and `node --import`: starts the profiler before the program, and joins worker
 * threads to it. Whatever goes wrong here ends in a log line; the program starts in any case.
 */
import { isMainThread } from 'node:worker_threads';
import { readSetting } from './config/resolve';
import { Logger, messageOf } from './log';
import { Profiler } from './profiler';
import { reportToRun } from './run-report';
import { attachWorker } from './workers/attach';

if (isMainThread) startProfiler();
else attachWorker();

function startProfiler(): void {
  const enabled = readSetting('enabled', process.env);
  const logger = new Logger(readSetting('logLevel', process.env).value);
  for (const warning of enabled.warnings) logger.warn(warning);
  if (!enabled.value) return;
  try {
    const profiler = new Profiler({}, 'preload').start();
    const { running, output } = profiler.status;
    if (running && output !== undefined) reportToRun({ kind: 'started', pid: process.pid, prefix: output });
  } catch (error) {
    const reason = messageOf(error);
    logger.error(`${reason}. The program runs without a profiler.`);
    reportToRun({ kind: 'failed', pid: process.pid, reason });
  }
}
