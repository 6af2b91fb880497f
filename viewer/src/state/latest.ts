/** Asks for an answer; `signal` says that nobody waits for it any more. */
export type Ask<Answer> = (signal: AbortSignal) => Promise<Answer>;

/** What is told of a question. */
export interface Told<Answer> {
  answer(answer: Answer): void;
  failed(error: unknown): void;
  /** Whether a request is under way. */
  busy(isBusy: boolean): void;
}

/**
 * Keeps one request under way at most, and tells only of the newest question. A question of another subject aborts
 * the one under way. The same subject asked again, as live mode does, waits for it: else a collector that needs longer than
 * the time between two events would never get to answer.
 */
export class Latest<Answer> {
  #underWay: { subject: string; abort: AbortController } | undefined;
  #next: { subject: string; ask: Ask<Answer> } | undefined;

  constructor(private readonly told: Told<Answer>) {}

  ask(subject: string, ask: Ask<Answer>): void {
    if (this.#underWay?.subject === subject) {
      this.#next = { subject, ask };
      return;
    }
    this.#underWay?.abort.abort();
    this.#next = undefined;
    void this.#run(subject, ask);
  }

  /** Forgets everything: whoever asked is gone. */
  stop(): void {
    this.#underWay?.abort.abort();
    this.#underWay = undefined;
    this.#next = undefined;
  }

  async #run(subject: string, ask: Ask<Answer>): Promise<void> {
    const underWay = { subject, abort: new AbortController() };
    this.#underWay = underWay;
    this.told.busy(true);
    let tell: () => void;
    try {
      const answer = await ask(underWay.abort.signal);
      tell = () => this.told.answer(answer);
    } catch (error) {
      tell = () => this.told.failed(error);
    }
    if (this.#underWay !== underWay) return;
    this.#underWay = undefined;
    tell();
    const next = this.#next;
    this.#next = undefined;
    if (next) void this.#run(next.subject, next.ask);
    else this.told.busy(false);
  }
}
