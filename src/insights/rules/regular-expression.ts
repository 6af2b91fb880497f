import { formatMilliseconds } from '../figures';
import { isPattern } from '../frames';
import { longest } from '../longest';
import { within } from '../parts';
import type { Rule, Verdict } from '../rule';
import { mayBeChance, severityOf, shareSentence, tooFew } from '../share-rule';
import type { Test } from '../stacks';

const BOUND = 0.1;
/** A match this long is no matter of how often it is made. */
const LONG_MILLISECONDS = 50;

/** V8 interprets a pattern at first, and does not say then which it is. */
const isMatching: Test = (frame) =>
  isPattern(frame) || frame.called === 'v8::internal::IrregexpInterpreter::MatchForCallFromRuntime';

export const regularExpression: Rule = {
  id: 'regular-expression',
  title: 'A regular expression takes much of the main thread',
  subject: 'the heaviest regular expression',
  rule: 'One pattern alone takes a tenth or more of the CPU time of the main thread. A service that takes its paths apart by patterns was at 0 to 1.4 % with all of them together, as a match takes microseconds. A tenth for one is a pattern that tries the same text again and again, as (\\w+\\s?)* does: each letter more can double the time.',
  remedy:
    'Make the pattern so that each letter can be matched in one way only: no quantifier inside another, no alternatives that begin alike. Bound the length of the text before, or use an engine without backtracking (re2).',
  async check(facts): Promise<Verdict> {
    const few = tooFew(facts, 'cpu');
    if (few) return few;
    const { frames, callers } = within(facts.cpu.stacks, { is: isMatching });
    const [worst] = frames;
    const value = worst?.value ?? 0;
    const share = value / facts.cpu.busy;
    if (!worst || share < BOUND) return { state: 'fine', share };
    const chance = mayBeChance(value, share, facts);
    if (chance) return chance;
    const pattern = isPattern(worst.frame)
      ? worst.frame.name.slice('RegExp: '.length)
      : 'a pattern that V8 still interprets';
    const run = longest(await facts.moments(), (frame) => frame.name === worst.frame.name);
    const evidence = [shareSentence(value, facts.cpu, `one pattern, ${pattern}`)];
    if (run >= LONG_MILLISECONDS)
      evidence.push(`It was seen for ${formatMilliseconds(run)} without anything else between.`);
    const { type, unit } = facts.cpu;
    return {
      state: 'found',
      finding: { share, value, type, unit, severity: severityOf(share, facts), evidence, frames, callers },
    };
  },
};
