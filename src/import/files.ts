import { webcrypto } from 'node:crypto';
import type { Kept, Store, Upload } from '../collector/store';
import type { ProcessLimits } from '../own-process';
import type { ConvertedFormat } from './convert';
import { Converter } from './converter';
import type { FileFacts } from './file-time';
import type { FilesStore } from './files-store';
import { NotImportable } from './not-importable';
import { freeName } from './service-names';
import { familyOf } from './tell-format';
import { totalsOf } from './totals';

const NANOSECONDS = 1e6;
/** What the store of the files may have before no other is taken. */
const MOST_BYTES = 1024 * 1024 * 1024;

/** A file to show. */
export interface GivenFile extends FileFacts {
  /** As it is told: the path where there is one. */
  path: string;
  /** What it is to be called; changed where another file has the name. */
  service: string;
  /** Several files are called so, and are one service. */
  isShared?: boolean;
  data: Buffer;
}

/** What became of a file. Times are milliseconds since the epoch, values in the unit of their type. */
export interface ShownFile {
  service: string;
  file: string;
  format: ConvertedFormat | 'pprof';
  from: number;
  to: number;
  profiles: number;
  types: { name: string; unit: string; total: number }[];
  /** The very same bytes were shown already: this is what they became then. */
  again: boolean;
}

/** Files that are shown, each as a service, in a store that goes with the collector: what is collected keeps to itself. */
export class Files {
  private readonly byContent = new Map<string, ShownFile>();
  /** Services of files, and what is under way. */
  private readonly names = new Set<string>();
  /** Files of which the store has refused a part: the rest is not shown. */
  private readonly hidden = new Set<string>();
  private readonly converter: Converter;
  private opened: FilesStore | undefined;
  private adding = 0;

  /** `open` is called with the first file. */
  constructor(
    private readonly open: () => FilesStore,
    limits: ProcessLimits,
  ) {
    this.converter = new Converter(limits);
  }

  /** Undefined as long as there is no file. */
  get store(): Store | undefined {
    return this.opened?.store;
  }

  /** Files that are being read. */
  get pending(): number {
    return this.adding;
  }

  has(service: string): boolean {
    return this.names.has(service) && !this.hidden.has(service);
  }

  isHidden(service: string): boolean {
    return this.hidden.has(service);
  }

  /**
   * Takes a file in. Rejects with NotImportable where it is no profile.
   * @param isTaken whether something else has a name
   */
  async add(file: GivenFile, isTaken: (service: string) => boolean = () => false): Promise<ShownFile> {
    this.adding += 1;
    try {
      return await this.take(file, isTaken);
    } finally {
      this.adding -= 1;
    }
  }

  async close(): Promise<void> {
    this.converter.close();
    await this.opened?.close();
  }

  private async take(file: GivenFile, isTaken: (service: string) => boolean): Promise<ShownFile> {
    if (file.data.length === 0) throw new NotImportable('it is empty');
    // Of files that are added up the store knows by path and bytes which are there already.
    const content = file.isShared ? file.path : await digestOf(file.data);
    const known = this.byContent.get(content);
    if (known) return { ...known, again: true };
    const service = file.isShared
      ? file.service
      : freeName(file.service, (name) => this.names.has(name) || isTaken(name));
    this.names.add(service);
    try {
      const shown = await this.keep(file, service);
      this.byContent.set(content, shown);
      return shown;
    } catch (error) {
      if (!this.hidden.has(service)) this.names.delete(service);
      throw error;
    }
  }

  private async keep({ data, path, name, modified }: GivenFile, service: string): Promise<ShownFile> {
    const { format, parts } =
      familyOf(data) === 'pprof'
        ? { format: 'pprof' as const, parts: [{ name, data }] }
        : await this.converter.convert(data, { name, modified });
    this.opened ??= this.open();
    const { store } = this.opened;
    const { bytes } = (await store.status()) as { bytes: number };
    if (bytes > MOST_BYTES)
      throw new NotImportable(
        `the files that are shown take ${MOST_BYTES / 1024 ** 3} GiB already: end the command and start it again with those that you need`,
      );
    const upload: Upload = {
      service,
      tags: [['file', path]],
      start: 0n,
      end: 0n,
      client: 'file',
      profiles: parts.map((part) => ({ ...part, format: 'pprof' })),
    };
    const [kept] = await store.ingest([upload]);
    this.refuse(service, kept);
    return { service, file: name, format, again: false, ...(await totalsOf(store, service)) };
  }

  /** Throws NotImportable for what the store has refused. What it kept beside that is hidden: it would be shown as the whole. */
  private refuse(service: string, kept: Kept | undefined): void {
    const profiles = kept?.profiles ?? [];
    const refused = profiles.find(({ state }) => state === 'refused');
    if (!refused) return;
    if (profiles.some(({ state }) => state !== 'refused')) this.hidden.add(service);
    throw new NotImportable(refused.reason ?? 'it is no profile');
  }
}

/** Of a file's bytes, made off the event loop. */
async function digestOf(data: Buffer): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', data)).toString('base64');
}

/** The span of a file in nanoseconds, for whoever is told of uploads. */
export function spanOf({ from, to }: ShownFile): Pick<Upload, 'start' | 'end'> {
  const nanoseconds = (milliseconds: number): bigint => BigInt(Math.round(milliseconds * NANOSECONDS));
  return { start: nanoseconds(from), end: nanoseconds(to) };
}
