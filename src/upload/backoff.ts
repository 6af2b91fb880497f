/** The first pause after a failed attempt; each further one is twice as long. */
const FIRST_MILLISECONDS = 1000;
/** No pause is longer, whatever a receiver asks for: it may have recovered long before. */
const LONGEST_MILLISECONDS = 10 * 60 * 1000;

/**
 * The pauses between attempts while a receiver takes nothing: a second at first, then twice as long each time until `retryTime` is
 * over, then one a period. Each is shortened by chance to as little as the half, so that many processes do not come at once.
 */
export class Backoff {
  private failures = 0;
  private since: number | undefined;

  constructor(
    private readonly retryMilliseconds: number,
    private readonly periodMilliseconds: number,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * How long to wait now, in milliseconds. `now` is by a clock that nobody sets; `asked` is the receiver's own word, which is
   * never undercut but by the longest pause.
   */
  next(now: number, asked = 0): number {
    this.since ??= now;
    const isOver = now - this.since >= this.retryMilliseconds;
    const whole = isOver ? Math.max(this.periodMilliseconds, FIRST_MILLISECONDS) : doubled(this.failures);
    this.failures += 1;
    return Math.min(LONGEST_MILLISECONDS, Math.max(this.shortened(whole), asked));
  }

  /** The pause of one profile that has failed so often by itself, while the receiver takes others: it doubles up to the longest. */
  pauseAfter(failures: number): number {
    return this.shortened(Math.min(LONGEST_MILLISECONDS, doubled(failures)));
  }

  /** Something was taken: all is well. */
  reset(): void {
    this.failures = 0;
    this.since = undefined;
  }

  private shortened(milliseconds: number): number {
    return milliseconds * (0.5 + this.random() / 2);
  }
}

function doubled(failures: number): number {
  return FIRST_MILLISECONDS * 2 ** Math.min(failures, 20);
}
