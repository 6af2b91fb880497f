import { start, status, stop } from './control';
import type { Logger } from './log';

/** Switches profiling off and on again each time the process gets this signal, and says so. */
export function toggleBy(signal: NodeJS.Signals, logger: Logger): void {
  let busy: Promise<unknown> = Promise.resolve();
  const toggle = async (): Promise<void> => {
    if (status().running) {
      await stop();
      logger.notice(`profiling is off (${signal}); the same signal switches it on.`);
    } else if (start().running) {
      logger.notice(`profiling is on (${signal}); the same signal switches it off.`);
    }
  };
  process.on(signal, () => {
    // One after the other. What goes wrong is said where it happens.
    busy = busy.then(toggle).catch(() => undefined);
  });
}
