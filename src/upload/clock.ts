/** Time as delivery sees it. A law about ten minutes gives one that it sets by hand. */
export interface Clock {
  /** Milliseconds since the epoch. May jump, as clocks are set. */
  wall(): number;
  /** Milliseconds since some moment, that only grow. */
  steady(): number;
  /** Does something later, unless the process ends before; returns what calls it off. */
  later(milliseconds: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  steady: () => performance.now(),
  later(milliseconds, task) {
    const timer = setTimeout(task, milliseconds);
    // Where uploads are made on the main thread, a pause must not keep the program alive.
    timer.unref();
    return () => clearTimeout(timer);
  },
};
