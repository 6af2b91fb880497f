import { busyValue } from '#src/insights/busy.js';
import type { Facts, Measured } from '#src/insights/facts.js';
import { isNamedV8 } from '#src/insights/frames.js';
import type { Moment, Moments } from '#src/insights/moments.js';
import { calledOf, type Frame, type Stacks } from '#src/insights/stacks.js';
import { stacksFrom } from './stacks.js';

const SECOND = 1e9;

/** A frame from `kind|name|file`. */
export function frameOf(text: string): Frame {
  const [kind, name, file] = text.split('|') as [string, string, string];
  const installed = file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1];
  return {
    kind,
    name,
    called: calledOf(name),
    file,
    line: 1,
    package: installed ?? (kind === 'app' ? '(your code)' : 'node'),
  };
}

export const APP = 'app|handle|/srv/app.js';
export const LOOP = ['native|uv_run|', 'node|processTimers|node:internal/timers'];
/** V8's functions have names, so that what is not there is not there. */
export const NAMED = ['native|uv_run|', 'native|v8::internal::Execution::Call|', APP];

/** Stacks of a hundred seconds, 80 of which the thread is busy: each path with its seconds of these. */
export function stacksOf(paths: readonly [path: readonly string[], seconds: number][]): Stacks {
  const given = paths.reduce((sum, [, seconds]) => sum + seconds, 0);
  const all: [string[], number][] = [
    ...paths.map(([path, seconds]): [string[], number] => [[...path], seconds]),
    [NAMED, 80 - given],
    [['native|uv_run|', 'native|uv__io_poll|', 'native|epoll_pwait|'], 20],
  ];
  return stacksFrom(all.map(([path, seconds]) => [path.map(frameOf), seconds * SECOND]));
}

/** What the rules are told where all kinds of value say the same. */
export function factsOf(stacks: Stacks, changes: Partial<Facts> = {}): Facts {
  const measured: Measured = { type: 'cpu', unit: 'nanoseconds', stacks, busy: busyValue(stacks) };
  return {
    cpu: measured,
    time: { ...measured, type: 'wall' },
    samples: measured.busy / 1e7,
    hasNative: stacks.frames.some(isNamedV8),
    hasThreads: true,
    pool: () => Promise.resolve({ stacks: stacksFrom([]), threads: 0 }),
    moments: () => Promise.resolve(momentsOf([])),
    delays: () => Promise.resolve({ at: () => undefined }),
    ...changes,
  };
}

/** Single samples of one thread that follow each other: the stack, and milliseconds of CPU time and of sleep. */
export function momentsOf(
  given: readonly [path: readonly string[], cpu: number, asleep?: number][],
): Moments {
  const frames: Frame[] = [];
  const [parent, frame] = [[0], [0xffffffff]];
  let end = 0;
  const nodeOf = (path: readonly string[]) =>
    path.map(frameOf).reduce((above, one) => {
      let at = frames.findIndex(({ name, file }) => name === one.name && file === one.file);
      if (at < 0) at = frames.push(one) - 1;
      const known = parent.findIndex((up, node) => node > 0 && up === above && frame[node] === at);
      if (known > 0) return known;
      frame.push(at);
      return parent.push(above) - 1;
    }, 0);
  const samples = given.map(([path, cpu, asleep = 0]): Moment => {
    end += cpu + asleep;
    return { lane: 0, node: nodeOf(path), end, wall: cpu + asleep, cpu };
  });
  return {
    frames,
    parent: Uint32Array.from(parent),
    frame: Uint32Array.from(frame),
    samples,
    processes: [''],
    omitted: 0,
  };
}
