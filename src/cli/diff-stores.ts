import { FolderStore } from '../collector/native-store';
import type { ToldOfSide } from '../collector/query/changes';
import { readHeading } from '../collector/query/tree-bytes';
import { type Service, servicesOf } from '../collector/services';
import type { Frames, Selection } from '../collector/store';
import { readSetting } from '../config/resolve';
import type { FilesStore } from '../import/files-store';
import { Logger } from '../log';
import type { DiffSide } from './diff-side';
import { keepFiles } from './keep-files';
import { type StoreOptions, storeToRead } from './open-store';
import { type SelectionOptions, selectionOf, timeText } from './select';
import { temporaryStore } from './temporary-store';

/** Every node: a row is the sum of all that are of its function. */
const ALL_NODES = 2 ** 32 - 1;
/** After each time that a profile can have, in milliseconds since the epoch. */
const EVER = 9e12;

/** A side in the store that is asked. */
export interface Placed {
  selection: Selection;
  /** For the reader. */
  what: string;
  /** What the store that is asked does not know of it. */
  told: ToldOfSide;
}

/** The store of the machine, and one for files: what is compared has to be in the same. */
export class DiffStores {
  private stored: FolderStore | undefined;
  private services: Service[] = [];
  private temporary: FilesStore | undefined;

  constructor(
    private readonly options: SelectionOptions & StoreOptions,
    private readonly now: number,
  ) {}

  /** Puts both sides into one store. Throws an EverflameError where one cannot be read. */
  async place([a, b]: readonly [DiffSide, DiffSide]): Promise<[Placed, Placed]> {
    if (!('files' in a && 'files' in b)) {
      this.stored = FolderStore.read(storeToRead(this.options));
      this.services = await servicesOf(this.stored);
    }
    if (!('files' in a || 'files' in b)) return [this.placeStored(a), this.placeStored(b)];
    const placed: Placed[] = [];
    this.temporary = await temporaryStore(new Logger(readSetting('logLevel', process.env)), async (store) => {
      for (const side of [a, b]) placed.push(await this.placeInto(store, side));
    });
    return placed as [Placed, Placed];
  }

  diff(a: Selection, b: Selection, frames: Frames): Promise<Buffer> {
    const store = this.temporary?.store ?? (this.stored as FolderStore);
    return store.diff(a, b, { frames, nodes: ALL_NODES });
  }

  async close(): Promise<void> {
    await this.temporary?.close();
    await this.stored?.close();
  }

  private placeStored({ text, options }: Exclude<DiffSide, { files: string[] }>): Placed {
    const selection = selectionOf(this.services, options, this.now);
    const { service, from, to } = selection;
    return { selection, what: `${text} (${service}, ${timeText(from)} to ${timeText(to)})`, told: {} };
  }

  /** Each side is a service of its own there. */
  private async placeInto(store: FolderStore, side: DiffSide): Promise<Placed> {
    const { text } = side;
    const { type, where } = this.options;
    const own = { ...(type === undefined ? {} : { type }), ...(where === undefined ? {} : { where }) };
    const alone = { name: text, from: 0, to: EVER, profiles: 0, instances: 0, types: [] };
    const selection = selectionOf([alone], own, this.now);
    if ('files' in side) {
      await keepFiles(store, side.files, text);
      const count = side.files.length;
      return { selection, what: count === 1 ? text : `${text} (${count} files)`, told: {} };
    }
    const { selection: there, what } = this.placeStored(side);
    const stored = this.stored as FolderStore;
    const data = await stored.pprof(there);
    // Which no file tells.
    const { seconds, requests } = readHeading(
      await stored.diff(there, there, { frames: 'package', nodes: 1 }),
    );
    const profiles = [{ name: 'store.pprof', format: 'pprof' as const, data }];
    await store.ingest([{ service: text, tags: [], start: 0n, end: 0n, client: 'store', profiles }]);
    return { selection: { ...selection, where: [] }, what, told: { seconds, requests } };
  }
}
