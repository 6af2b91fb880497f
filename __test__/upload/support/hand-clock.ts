import type { Clock } from '#src/upload/clock.js';

/** A clock that stands still until a test moves it. */
export class HandClock implements Clock {
  private passed = 0;
  private offset = Date.now();
  private waiting: { at: number; task: () => void }[] = [];

  wall(): number {
    return this.offset + this.passed;
  }

  steady(): number {
    return this.passed;
  }

  later(milliseconds: number, task: () => void): () => void {
    const entry = { at: this.passed + milliseconds, task };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry);
    };
  }

  /** Time passes, and what is due is done in its order. */
  forward(milliseconds: number): void {
    const end = this.passed + milliseconds;
    for (let next = this.next(); next && next.at <= end; next = this.next()) {
      this.passed = next.at;
      this.waiting = this.waiting.filter((other) => other !== next);
      next.task();
    }
    this.passed = end;
  }

  /** To the next thing that waits; false where there is none. */
  toNext(): boolean {
    const next = this.next();
    if (next) this.forward(next.at - this.passed);
    return next !== undefined;
  }

  /** Somebody sets the clock: no time passes. */
  set(milliseconds: number): void {
    this.offset += milliseconds;
  }

  private next(): { at: number; task: () => void } | undefined {
    return [...this.waiting].sort((a, b) => a.at - b.at)[0];
  }
}
