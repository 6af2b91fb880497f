import { shareRule } from '../share-rule';

const DEOPTIMISER =
  /^v8::internal::(Deoptimizer\b|Builtin_\w*[Dd]eopt|Runtime_NotifyDeoptimized\b|TranslatedState\b|DependentCode::Deoptimize|\w*OptimizedCode\w*::Evict)/;

export const deoptimisation = shareRule({
  id: 'deoptimisation',
  title: 'Functions are deoptimised again and again',
  subject: 'deoptimisation',
  rule: 'Taking back compiled code takes a fiftieth or more of the CPU time of the main thread. Once costs 10 to 50 microseconds, so this is hundreds a second, each of which is followed by slow code and by another compilation. Services that have warmed up are at 0 %, and programs that were measured while they did at 0.3 % at the most.',
  remedy:
    'Look at the functions that are named: give them arguments of one kind, objects with the same properties in the same order, and no new functions for each request. node --trace-deopt says the reason for each time.',
  bound: 0.02,
  needsNative: true,
  what: 'in throwing away compiled code',
  where: { is: ({ called }) => DEOPTIMISER.test(called) },
});
