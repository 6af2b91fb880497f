import { isLoading, isLogging, isOf } from '../frames';
import { shareRule } from '../share-rule';

export const syncFs = shareRule({
  id: 'sync-fs',
  title: 'Synchronous file access on the main thread',
  subject: 'synchronous file access',
  rule: 'Functions of node:fs whose name ends in Sync take a tenth or more of the time in which the main thread is busy. Modules that are loaded and logs that are written do not count here. A service that reads its files asynchronously, or at its start, is at 0 %, so a tenth is no chance and is worth the change.',
  remedy:
    'Use the function of node:fs/promises of the same name, or read what does not change once, at the start.',
  bound: 0.1,
  // It sleeps where a disk is slow.
  of: 'time',
  what: 'in synchronous calls of node:fs',
  where: {
    is: (frame) => isOf(frame, 'node:fs', 'node:internal/fs/') && /Sync$/.test(frame.called),
    notBelow: (frame) => isLoading(frame) || isLogging(frame),
  },
});
