import { type Logger, reasonOf } from '../../log';
import { notNow } from '../http/refusal';
import type { Kept, Store, Upload } from '../store';

interface Waiting {
  uploads: Upload[];
  resolve: (kept: Kept[]) => void;
  reject: (error: Error) => void;
}

/**
 * The way of uploads into the store. What arrives while a commit is on its way goes into the next one together, so that a disk
 * that takes ten milliseconds for each bounds the wait of a client and not the number of uploads.
 */
export class IngestQueue {
  private waiting: Waiting[] = [];
  private working: Promise<void> | undefined;
  private isFailing = false;

  /** `kept` is told of each upload that was kept. */
  constructor(
    private readonly store: Pick<Store, 'ingest'>,
    private readonly logger: Logger,
    private readonly kept: (upload: Upload, kept: Kept) => void,
  ) {}

  /** Settles when the uploads are kept for good; rejects with a Refusal where the store does not take them now. */
  add(uploads: Upload[]): Promise<Kept[]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ uploads, resolve, reject });
      this.working ??= this.work();
    });
  }

  /** Settles when nothing waits any more. */
  async rest(): Promise<void> {
    while (this.working) await this.working;
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      await this.commit(batch);
    }
    this.working = undefined;
  }

  private async commit(batch: Waiting[]): Promise<void> {
    const uploads = batch.flatMap((entry) => entry.uploads);
    let all: Kept[];
    try {
      all = await this.store.ingest(uploads);
      if (all.length !== uploads.length)
        throw new Error(`the store told of ${all.length} uploads and was given ${uploads.length}`);
      this.isFailing = false;
    } catch (error) {
      this.fail(batch, error);
      return;
    }
    let place = 0;
    for (const { uploads: own, resolve } of batch) {
      resolve(all.slice(place, place + own.length));
      place += own.length;
    }
    uploads.forEach((upload, index) => {
      this.kept(upload, all[index] as Kept);
    });
  }

  private fail(batch: Waiting[], error: unknown): void {
    // The same trouble with each upload is said once, and again after it was gone.
    if (!this.isFailing) this.logger.error(`profiles cannot be kept: ${reasonOf(error)}.`);
    this.isFailing = true;
    const refusal = notNow(
      `the profiles cannot be kept now: ${reasonOf(error)}. Send them again later.`,
      'store',
    );
    for (const { reject } of batch) reject(refusal);
  }
}
