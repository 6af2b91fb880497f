import type { Insight, InsightFrame } from '../api/answers.js';
import { parseCondition } from './conditions.js';
import { withoutKey } from './sides.js';
import type { View } from './view.js';

/**
 * What the page shows at a frame of an insight: that function alone with its callers and callees, or all stacks with it marked.
 * The range and the filters stay, but for those on what the insight itself is about.
 */
export function atFrame(
  view: View,
  { type, where = [] }: Insight,
  { name, file }: InsightFrame,
  tab: 'flame' | 'sandwich',
): View {
  const kept = where.reduce(
    (left, text) => withoutKey(left, parseCondition(text)?.key ?? ''),
    [...view.where],
  );
  return {
    ...view,
    tab,
    type: type ?? view.type,
    where: [...kept, ...where],
    frames: 'function',
    search: tab === 'flame' ? name : '',
    transforms: [],
    zoom: undefined,
    selected: undefined,
    of: { name, file },
  };
}
