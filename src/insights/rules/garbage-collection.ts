import { isCollecting } from '../frames';
import { shareRule } from '../share-rule';

export const garbageCollection = shareRule({
  id: 'garbage-collection',
  title: 'Garbage collection takes much of the main thread',
  subject: 'garbage collection',
  rule: "The collector takes a fifth or more of the main thread's CPU time. A healthy service was at 1 to 10 % in its first seconds, in which it collects most often, and a program that throws errors all the time at 11 %. CPU time counts, and not the time in which the thread waits for helpers of the collector, as that depends on what else the machine does.",
  remedy:
    'Allocate less in the functions that are named, which ran when it had to collect, and keep less: inuse_space and alloc_space show where, if they are profiled. Where much lives on purpose, give --max-semi-space-size or --max-old-space-size more room.',
  bound: 0.2,
  what: 'in the garbage collector',
  where: { is: isCollecting },
});
