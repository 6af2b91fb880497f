import { POOL_THREAD } from '../facts';
import { formatAmount, formatPercent } from '../figures';
import { within } from '../parts';
import type { Rule, Verdict } from '../rule';
import { NO_NATIVE } from '../share-rule';
import type { Frame } from '../stacks';

const BOUND = 0.75;
/** Where nearly every call waits for others. */
const HIGH = 0.9;
/** Nanoseconds of all threads together: less tells nothing. */
const LEAST_TIME = 1e9;

/** Frames that all work in the pool has. */
const GENERAL =
  /^(start_thread|thread_start|clone3?|__clone3?|worker|uv__queue_work|uv__thread_.*|node::ThreadPoolWork::.*|\{lambda.*)$/;
/** Waiting for work, or for the turn to take some. */
const isIdle = ({ called }: Frame) => called === 'uv_cond_wait' || called === 'uv_mutex_lock';
const isWork = (frame: Frame) => !GENERAL.test(frame.called) && !isIdle(frame);

export const pool: Rule = {
  id: 'pool',
  title: "libuv's thread pool is saturated",
  subject: "work in libuv's pool",
  rule: 'The threads of the pool are at work for three quarters or more of their time. With four threads, half of the calls that come at random then wait for a free one; at half of the time it is one of six. File access, dns.lookup, compression and cryptography share the pool.',
  remedy:
    'Do less of what is named, or raise UV_THREADPOOL_SIZE where the machine has free cores. Use dns.resolve in place of dns.lookup, which holds a thread for as long as the resolver takes.',
  async check(facts): Promise<Verdict> {
    const { type, unit } = facts.time;
    const { stacks, threads } = await facts.pool();
    const isSeen =
      threads === 0 ? facts.hasNative : stacks.frames.some(({ called }) => called.startsWith('uv_'));
    if (!isSeen) return { state: 'unknown', reason: NO_NATIVE };
    if (threads === 0) return { state: 'fine', share: 0 };
    if (unit === 'nanoseconds' && stacks.total < LEAST_TIME)
      return { state: 'unknown', reason: 'the pool is there for too short a time. Choose a longer range.' };
    const value = stacks.total - within(stacks, { is: isIdle, notBelow: isWork }).value;
    const share = value / stacks.total;
    if (share < BOUND) return { state: 'fine', share };
    const { frames } = within(stacks, { is: isWork, notBelow: isIdle });
    return {
      state: 'found',
      finding: {
        share,
        value,
        type,
        unit,
        severity: share >= HIGH ? 'high' : 'medium',
        evidence: [
          `The ${threads} threads of the pool are at work for ${formatPercent(share)} of their time: ${formatAmount(value, unit)} of ${formatAmount(stacks.total, unit)}.`,
        ],
        frames,
        callers: [],
        thread: POOL_THREAD,
      },
    };
  },
};
