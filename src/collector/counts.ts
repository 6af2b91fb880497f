import type { Cause } from './http/refusal';

/** What the collector has not taken, since it started. */
export class Counts {
  /** Requests by why they were refused; `profile` counts profiles too that were refused beside others that were kept. */
  readonly refused: Partial<Record<Cause, number>> = {};
  /** Attachments that are no profiles, such as code-provenance.json. */
  ignored = 0;
  /** Uploads whose counts of requests could not be believed. */
  requestsLeftOut = 0;

  refuse(cause: Cause, count = 1): void {
    if (count > 0) this.refused[cause] = (this.refused[cause] ?? 0) + count;
  }
}
