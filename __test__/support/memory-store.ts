import { createHash } from 'node:crypto';
import type { Kept, Selection, Store, Upload } from '#src/collector/store.js';

/** What a query was asked with. */
export interface Asked {
  query: string;
  selections: Selection[];
  options: unknown;
}

/**
 * A store in memory that holds whoever gives it something to the contract of `store.ts`, and can be told to fail, to stall and to
 * refuse.
 */
export class MemoryStore implements Store {
  readonly folder = '/nowhere';
  /** All that was asked of it that must not be. */
  readonly violations: string[] = [];
  /** Uploads of each commit that it has made, by their order. */
  readonly commits: Upload[][] = [];
  readonly asked: Asked[] = [];
  /** Commits that it was asked for. */
  attempts = 0;
  /** Set, the next commits fail for this reason. */
  failure: string | undefined;
  /** Whether to refuse a profile, and why. */
  refuses: (upload: Upload) => string | undefined = () => undefined;
  /** Of the services that it tells of. */
  serviceNames: string[] = [];
  private readonly known = new Set<string>();
  private gate: Promise<void> | undefined;
  private isWorking = false;

  /** Whether a commit is on its way. */
  get isBusy(): boolean {
    return this.isWorking;
  }

  get uploads(): Upload[] {
    return this.commits.flat();
  }

  /** Commits wait until the function that is returned is called. */
  stall(): () => void {
    let open: () => void = () => undefined;
    this.gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => {
      this.gate = undefined;
      open();
    };
  }

  async ingest(uploads: Upload[]): Promise<Kept[]> {
    this.attempts += 1;
    if (this.isWorking) this.violations.push('a commit began before the last one was over');
    if (uploads.length === 0) this.violations.push('a commit of nothing');
    for (const upload of uploads) this.check(upload);
    this.isWorking = true;
    await this.gate;
    this.isWorking = false;
    if (this.failure !== undefined) throw new Error(this.failure);
    this.commits.push(uploads);
    return uploads.map((upload) => ({
      profiles: upload.profiles.map(({ data }) => {
        const reason = this.refuses(upload);
        if (reason !== undefined) return { state: 'refused', reason, samples: 0 };
        const key = `${upload.service} ${createHash('sha256').update(data).digest('hex')}`;
        const state = this.known.has(key) ? 'duplicate' : 'kept';
        this.known.add(key);
        return { state, samples: 1 };
      }),
    }));
  }

  services = async (): Promise<Buffer> => {
    const asked = JSON.parse((await this.ask('services', [], undefined)).toString()) as object;
    return Buffer.from(JSON.stringify({ ...asked, services: this.serviceNames.map((name) => ({ name })) }));
  };
  labels = (selection: Selection): Promise<Buffer> => this.ask('labels', [selection], undefined);
  series = (selection: Selection, options: unknown): Promise<Buffer> =>
    this.ask('series', [selection], options);
  metrics = (selection: Selection, options: unknown): Promise<Buffer> =>
    this.ask('metrics', [selection], options);
  table = (selection: Selection, options: unknown): Promise<Buffer> =>
    this.ask('table', [selection], options);
  lines = (selection: Selection, options: unknown): Promise<Buffer> =>
    this.ask('lines', [selection], options);
  profiles = (selection: Selection, options: unknown): Promise<Buffer> =>
    this.ask('profiles', [selection], options);
  tree = (selection: Selection, options: unknown): Promise<Buffer> => this.ask('tree', [selection], options);
  diff = (a: Selection, b: Selection, options: unknown): Promise<Buffer> => this.ask('diff', [a, b], options);
  sandwich = (selection: Selection, options: unknown): Promise<Buffer> =>
    this.ask('sandwich', [selection], options);
  timeline = (selection: Selection, options: unknown): Promise<Buffer> =>
    this.ask('timeline', [selection], options);
  pprof = (selection: Selection): Promise<Buffer> => this.ask('pprof', [selection], undefined);
  status = (): Promise<unknown> => Promise.resolve({ path: 'in memory', profiles: this.uploads.length });
  close = (): Promise<void> => Promise.resolve();

  /** Answers with what was asked. Of the service `nobody` there is nothing, `large` has much, and `broken` breaks it. */
  private async ask(query: string, selections: Selection[], options: unknown): Promise<Buffer> {
    const asked = { query, selections, options };
    this.asked.push(asked);
    const [service] = selections.map((selection) => selection.service);
    if (service === 'nobody') {
      throw Object.assign(new Error('there is no service "nobody".'), { code: 'NOT_FOUND' });
    }
    if (service === 'broken') throw new Error('index out of bounds');
    const answer = service === 'large' ? { ...asked, rows: 'row '.repeat(20_000) } : asked;
    return Buffer.from(JSON.stringify(answer));
  }

  private check({ service, tags, start, end, client, profiles }: Upload): void {
    const isOtlp = profiles.every(({ format }) => format !== 'pprof');
    const keys = tags.map(([key]) => key);
    const rules: [isRight: boolean, what: string][] = [
      [(service === '') === isOtlp, `the service is "${service}"`],
      [keys.length === new Set(keys).size, `a tag is there twice: ${keys}`],
      [tags.every(([key, value]) => key !== '' && value !== ''), 'a tag is empty'],
      [start <= end, 'an upload ends before it starts'],
      [client !== '', 'an upload has no client'],
      [profiles.length > 0, 'an upload has no profile'],
      [profiles.every(({ name, data }) => name !== '' && Buffer.isBuffer(data)), 'a profile is none'],
    ];
    for (const [isRight, what] of rules) if (!isRight) this.violations.push(what);
  }
}
