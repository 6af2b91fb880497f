import type { Insight, Insights } from '../../../viewer/src/api/answers.js';
import { MARKUP } from './samples.js';
import type { Selected } from './selection.js';

const CART = '/srv/shop/src/cart.ts';
const SECOND = 1e9;

const rule = (id: string, title: string): Pick<Insight, 'id' | 'title' | 'subject' | 'rule' | 'remedy'> => ({
  id,
  title,
  subject: `subject of ${id}`,
  rule: `The rule of ${id} has a bound of a fifth, and says why.`,
  remedy: `The remedy of ${id}.`,
});

/** An answer of `/insights` with each state in it, about functions of the fixture. Without a sample it is of nothing. */
export function insightsAnswer({ chosen }: Selected): Insights {
  if (chosen.length === 0) return { total: 0, busy: 0, samples: 0, insights: [] };
  return {
    type: 'wall',
    unit: 'nanoseconds',
    total: 90 * SECOND,
    busy: 60 * SECOND,
    samples: 5940,
    insights: [
      {
        ...rule('json', 'JSON takes much of the main thread'),
        state: 'found',
        severity: 'high',
        share: 0.314,
        value: 18.84 * SECOND,
        type: 'cpu',
        unit: 'nanoseconds',
        evidence: ['31.4 % of the CPU time is in JSON.', 'The main thread was busy for 66.7 % of its time.'],
        frames: [{ name: 'stringify', file: 'node:internal/json', line: 3, value: 18.84 * SECOND }],
        callers: [
          { name: 'renderCart', file: CART, line: 40, value: 12.5 * SECOND },
          { name: MARKUP, file: '', line: 0, value: 6.34 * SECOND },
        ],
        where: ['thread name:main'],
      },
      {
        ...rule('blocked-loop', 'The event loop is blocked'),
        state: 'found',
        severity: 'medium',
        share: 0.05,
        value: 3 * SECOND,
        type: 'wall',
        unit: 'nanoseconds',
        evidence: ['The loop was blocked 4 times.'],
        frames: [{ name: 'postOrder', file: '/srv/shop/src/order.ts', line: 8, value: 3 * SECOND }],
        callers: [],
        where: ['thread name:main'],
      },
      { ...rule('pool', "libuv's thread pool is saturated"), state: 'failed', reason: 'it is too busy.' },
      {
        ...rule('exceptions', 'Storm of exceptions'),
        state: 'unknown',
        reason: 'native frames are missing.',
      },
      { ...rule('sync-fs', 'Synchronous file access'), state: 'fine', share: 0.004 },
    ],
  };
}
