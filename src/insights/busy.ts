import { isCollecting, isScript } from './frames';
import type { Stacks } from './stacks';

/** Where the thread of an event loop sleeps until there is something to do. */
const WAITING = /^(__)?(epoll_p?wait2?|kevent|poll|ppoll)(@|$)/;
/** What says of itself that nothing is known, and native code without names. */
const NAMELESS = /^[([]|\+0x[0-9a-f]+$/;

/**
 * Of each node, whether the thread is at work there: in JavaScript, in the collector, or in native code other than the wait of the loop.
 * A sleep below JavaScript is work: the loop is held up by it.
 */
export function busyNodes(stacks: Pick<Stacks, 'frames' | 'parent' | 'frame'>): Uint8Array {
  const { frames, parent, frame } = stacks;
  const works = Uint8Array.from(frames, (one) => Number(isScript(one) || isCollecting(one)));
  const rests = Uint8Array.from(frames, ({ called }) =>
    Number(WAITING.test(called) || NAMELESS.test(called)),
  );
  const below = new Uint8Array(parent.length);
  const busy = new Uint8Array(parent.length);
  for (let node = 1; node < parent.length; node++) {
    const at = frame[node] as number;
    below[node] = (below[parent[node] as number] as number) | (works[at] as number);
    busy[node] = below[node] || !rests[at] ? 1 : 0;
  }
  return busy;
}

/** What all that is busy counts together. */
export function busyValue(stacks: Stacks): number {
  const busy = busyNodes(stacks);
  return stacks.own.reduce((sum, own, node) => (busy[node] ? sum + own : sum), 0);
}
