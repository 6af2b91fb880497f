/** Where the one running profiler of the process is known, also to a second copy of this package. */
const RUNNING = Symbol.for('everflame.running');

const registry = globalThis as { [RUNNING]?: object };

/** The same for this copy alone: where the program has frozen `globalThis`, nothing can be added to it, or taken away. */
let own: object | undefined;
/** One that has stopped and is still known there. */
let stale: object | undefined;

/** The profiler that runs in this process, whichever copy of the package it is of. */
export function running(): object | undefined {
  const known = registry[RUNNING];
  return own ?? (known === stale ? undefined : known);
}

export function setRunning(profiler: object): void {
  own = profiler;
  Reflect.set(registry, RUNNING, profiler);
}

export function clearRunning(): void {
  own = undefined;
  if (!Reflect.deleteProperty(registry, RUNNING)) stale = registry[RUNNING];
}
