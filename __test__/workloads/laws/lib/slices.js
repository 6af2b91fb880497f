'use strict';
const { ownCpu } = require('./clock.js');

/**
 * Work of known cost: calls `work(rounds)` in slices of about so many milliseconds of CPU time each, and adds up what
 * the thread was charged. A slice is one call, so that reading the clock is no part of what is measured: a thread that
 * asks for its CPU time often gives the scheduler a reason to stop it just there.
 */
exports.Slices = class Slices {
  /** Nanoseconds. */
  spent = 0;
  #rounds = 1000;
  #work;

  constructor(milliseconds, work) {
    this.#work = work;
    // Twice as many rounds until a slice is long enough; by then the code is optimised.
    while (this.#measure() < milliseconds * 0.7e6) this.#rounds *= 2;
  }

  run() {
    this.#measure();
  }

  #measure() {
    const start = ownCpu();
    this.#work(this.#rounds);
    const spent = ownCpu() - start;
    this.spent += spent;
    return spent;
  }
};
