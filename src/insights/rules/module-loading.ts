import { isLoading, isTheirs } from '../frames';
import { shareRule } from '../share-rule';

export const moduleLoading = shareRule({
  id: 'module-loading',
  title: 'Modules are loaded while the service works',
  subject: 'module loading after the start',
  rule: 'Loading modules out of running functions takes a twentieth or more of the CPU time of the main thread. What the entry point loads at the start, and what that loads, does not count. Node.js keeps what was loaded, so it is 0 % in a service that has started; in a range with the start, functions that load behind an await are in it.',
  remedy:
    'Move require to the top of the file, or load all of it once before the service listens. Look for a cache of modules that is emptied.',
  bound: 0.05,
  what: 'in loading modules that running functions asked for',
  where: { is: isLoading, below: isTheirs },
});
