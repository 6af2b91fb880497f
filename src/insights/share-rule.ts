import type { Facts, Measured } from './facts';
import { formatAmount, formatPercent } from './figures';
import { type Where, within } from './parts';
import type { Rule, Severity, Verdict } from './rule';

/** Fewer samples of a busy thread tell no share: the standard error of a tenth of 100 is three hundredths. */
const LEAST_SAMPLES = 100;
/** Nor does less CPU time, however often it is sampled: a thread that does nothing else starts, and tidies up. */
const LEAST_BUSY = 5e8;
/** Fewer samples of the problem itself may be there by chance, */
const LEAST_FOUND = 10;
/** and so may less time: the kernel's clocks tick every 4 to 10 ms. */
const LEAST_VALUE = 5e7;
/** From here on it is what the thread does most. */
const HIGH = 0.25;
/** A thread that is busy for less than this of its time has room for it. */
const IDLE = 0.05;

/** A rule that bounds a share of what the main thread did. */
export interface ShareRule extends Omit<Rule, 'check'> {
  /** From which share on it is a problem. */
  bound: number;
  where: Where;
  /** CPU time, unless what is looked for sleeps. */
  of?: 'cpu' | 'time';
  /** Whether it can be seen only where native frames have names. */
  needsNative?: boolean;
  /** What the first sentence of the evidence says of the share. */
  what: string;
}

export function shareRule({ bound, where, of = 'cpu', needsNative = false, what, ...rest }: ShareRule): Rule {
  return {
    ...rest,
    check(facts): Verdict {
      const few = tooFew(facts, of);
      if (few) return few;
      const measured = facts[of];
      const { value, frames, callers } = within(measured.stacks, where);
      const share = value / measured.busy;
      if (share < bound) {
        if (needsNative && !facts.hasNative) return { state: 'unknown', reason: NO_NATIVE };
        return { state: 'fine', share };
      }
      const chance = mayBeChance(value, share, facts);
      if (chance) return chance;
      const evidence = [shareSentence(value, measured, what), occupied(facts)];
      const { type, unit } = measured;
      const severity = severityOf(share, facts);
      return {
        state: 'found',
        finding: { share, value, type, unit, severity, evidence, frames, callers },
      };
    },
  };
}

export const NO_NATIVE =
  'native frames are not in these profiles, or have no names. Everflame records them unless DD_PROFILING_STACK_NATIVE_FRAMES is false or Node.js is stripped of its symbols.';

/** Where something above its bound is too little to be more than chance; undefined where it is more. */
export function mayBeChance(value: number, share: number, { samples, cpu }: Facts): Verdict | undefined {
  const own = Math.floor(share * samples);
  if (own >= LEAST_FOUND && (cpu.unit !== 'nanoseconds' || value >= LEAST_VALUE)) return undefined;
  return {
    state: 'unknown',
    reason: `it is ${formatPercent(share)}, but of ${own} samples and ${formatAmount(value, cpu.unit)} only, which may be chance. Choose a longer range.`,
  };
}

/** Such as `31.4 % of the CPU time of the main thread is in JSON: 3.14 s of 10 s.` */
export function shareSentence(value: number, { busy, unit, type }: Measured, what: string): string {
  const whole = type.startsWith('cpu')
    ? 'CPU time of the main thread'
    : 'time in which the main thread is busy';
  return `${formatPercent(value / busy)} of the ${whole} is ${what}: ${formatAmount(value, unit)} of ${formatAmount(busy, unit)}.`;
}

/** Why nothing can be said of the main thread by a rule that measures CPU time, or time; undefined where something can. */
export function tooFew(facts: Facts, of: 'cpu' | 'time'): Verdict | undefined {
  const { samples, time, hasThreads } = facts;
  const { busy, unit, type } = facts[of];
  if (time.stacks.total === 0) {
    return {
      state: 'unknown',
      reason: hasThreads
        ? 'no sample of a thread called "Main Event Loop" is in this selection. Remove filters, or choose a longer range; insights are for profiles of Node.js.'
        : 'no samples are in this selection.',
    };
  }
  const isShort = unit === 'nanoseconds' && busy < LEAST_BUSY;
  if (samples >= LEAST_SAMPLES && !isShort) return undefined;
  const kind = type.startsWith('cpu') ? ' of CPU time' : '';
  const had = `${formatAmount(busy, unit)}${kind} and ${Math.round(samples)} samples`;
  const wanted = `${formatAmount(LEAST_BUSY, 'nanoseconds')} and ${LEAST_SAMPLES} samples`;
  return {
    state: 'unknown',
    reason: `the main thread was busy for ${had}, and ${wanted} are needed to tell a share. Choose a longer range.`,
  };
}

export function severityOf(share: number, { time }: Facts): Severity {
  if (time.busy / time.stacks.total < IDLE) return 'low';
  return share >= HIGH ? 'high' : 'medium';
}

/** How much of its time the thread was busy at all. */
function occupied({ time }: Facts): string {
  return `The main thread was busy for ${formatPercent(time.busy / time.stacks.total)} of its time.`;
}
