import { formatMilliseconds, formatPercent } from '../figures';
import type { Part } from '../parts';
import type { Rule, Verdict } from '../rule';
import { tooFew } from '../share-rule';
import { type Block, findBlocks, LEAST_BLOCK } from '../turns';

const MILLISECOND = 1e6;
/** From here on everybody notices. */
const HIGH_MILLISECONDS = 500;
const MOST_FUNCTIONS = 5;

export const blockedLoop: Rule = {
  id: 'blocked-loop',
  title: 'The event loop is blocked',
  subject: 'blocked event loop',
  rule: `One function keeps the main thread for ${LEAST_BLOCK} ms or longer: all samples of that time have it on their stacks. Nothing else is answered meanwhile, and ${LEAST_BLOCK} ms are what users notice. A short function that is called often is met by several samples in a row as well, so no time counts that is longer than the delay which the loop itself has measured then; where it has measured none, only what chance would make less than once in a hundred. The start of the program does not count.`,
  remedy:
    'Divide the work into pieces with setImmediate between them, or move it to a worker thread; use the asynchronous form of what sleeps.',
  async check(facts): Promise<Verdict> {
    const few = tooFew(facts, 'time');
    if (few) return few;
    const moments = await facts.moments();
    if (moments.samples.length === 0) return { state: 'unknown', reason: NO_MOMENTS };
    if (moments.omitted > 0) return { state: 'unknown', reason: TOO_MANY };
    const interval = facts.cpu.busy / facts.samples / MILLISECOND;
    const blocks = findBlocks(moments, interval, await facts.delays(moments));
    if (blocks.length === 0) return { state: 'fine', share: 0 };
    const value = blocks.reduce((sum, { duration }) => sum + duration, 0) * MILLISECOND;
    const longest = blocks.reduce((most, block) => (block.duration > most.duration ? block : most));
    return {
      state: 'found',
      finding: {
        share: Math.min(1, value / facts.time.busy),
        value,
        type: facts.time.type,
        unit: 'nanoseconds',
        severity: longest.duration >= HIGH_MILLISECONDS ? 'high' : 'medium',
        evidence: [
          `The loop was blocked ${blocks.length === 1 ? 'once' : `${blocks.length} times`}, for ${formatMilliseconds(longest.duration)} at the longest, at ${new Date(longest.end).toISOString()}, in ${longest.frame.name}.`,
          `Together that is ${formatPercent(Math.min(1, value / facts.time.busy))} of the time in which the main thread was busy.`,
        ],
        frames: byFunction(blocks),
        callers: [],
      },
    };
  },
};

const NO_MOMENTS =
  'single samples with their times are needed. They are kept for two hours, and the client must send them (dd-trace and Everflame do, with the timeline on).';

const TOO_MANY =
  'there are more single samples in this range than are looked at, and without the others nothing is known of what was between. Choose a shorter range.';

function byFunction(blocks: Block[]): Part[] {
  const parts = new Map<Block['frame'], Part>();
  for (const { frame, duration } of blocks) {
    const part = parts.get(frame) ?? { frame, value: 0 };
    parts.set(frame, part);
    part.value += duration * MILLISECOND;
  }
  return [...parts.values()].sort((a, b) => b.value - a.value).slice(0, MOST_FUNCTIONS);
}
