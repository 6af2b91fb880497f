import { isLogging } from '../frames';
import { shareRule } from '../share-rule';

export const logging = shareRule({
  id: 'logging',
  title: 'Writing logs takes much of the main thread',
  subject: 'logging',
  rule: 'The console, and packages that write logs, take a tenth or more of the CPU time of the main thread. A line for some hundred requests was at 0 to 1 %. The console writes to files and terminals synchronously.',
  remedy:
    'Log less on this way, or at a lower level. Use a logger that writes in batches from a worker, such as pino with a transport.',
  bound: 0.1,
  what: 'in writing logs',
  where: { is: isLogging },
});
