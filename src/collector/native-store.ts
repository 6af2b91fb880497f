import type { NativeStore as Native, NativeSelection, NativeUpload } from '../../native/store';
import { EverflameError } from '../engine';
import { type Logger, messageOf } from '../log';
import { loadStore } from './native-binding';
import {
  type Frames,
  type Kept,
  type KeptProfile,
  parsed,
  type Selection,
  type Store,
  type Upload,
} from './store';

/** What a store may hold. Ages in milliseconds. */
export interface Retention {
  /** Of single samples with their times. */
  samples: number;
  profiles: number;
  /** Of sums of hours. */
  hours: number;
  bytes: number;
}

const HOUR = 60 * 60 * 1000;

export const RETENTION: Readonly<Retention> = {
  samples: 2 * HOUR,
  profiles: 24 * HOUR,
  hours: 30 * 24 * HOUR,
  bytes: 256 * 1024 * 1024,
};

/** As much as there is, for as long as the store is there. */
export const FOR_EVER: Readonly<Retention> = { samples: 1e15, profiles: 1e15, hours: 1e15, bytes: 1e15 };

/** How often hours are added up, and what is old is removed. */
const MAINTENANCE_MILLISECONDS = 60 * 1000;
/** Values of a label in one answer. */
const MOST_VALUES = 200;

/** Errors of the binding begin with their code. */
function answered<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw coded(error);
  });
}

function coded(error: unknown): EverflameError {
  const [, code = 'FAILED', message = messageOf(error)] = /^([A-Z_]+): (.*)$/s.exec(messageOf(error)) ?? [];
  return new EverflameError(code, message, { cause: error });
}

function nativeUpload(upload: Upload): NativeUpload {
  const {
    service,
    tags,
    start,
    end,
    joined = false,
    profiles,
    packages = [],
    isLocal = false,
    requests,
  } = upload;
  return {
    service,
    tags: tags.flat(),
    start,
    end,
    joined,
    parts: profiles.map(({ name, format, data }) => ({ name, format, data })),
    packages: packages.flatMap(({ path, package: name }) => [path, name]),
    isLocal,
    ...(requests ? { requests } : {}),
  };
}

/** The store of a folder, by the native binary. */
export class FolderStore implements Store {
  private timer: NodeJS.Timeout | undefined;
  private maintenance: Promise<void> = Promise.resolve();
  /** The report of a repair that was told last. */
  private told: string | null = null;

  private constructor(
    readonly folder: string,
    private readonly native: Native,
    private readonly retention: Retention,
  ) {}

  /**
   * Opens the store for writing, and makes it where there is none. `logger` is told what was mended, and of maintenance that
   * failed. Throws an EverflameError where it cannot be used.
   */
  static open(folder: string, logger: Logger, retention: Readonly<Retention> = RETENTION): FolderStore {
    const store = FolderStore.opened(folder, false, retention);
    store.tellRepair(logger);
    store.timer = setInterval(() => {
      store.maintenance = store
        .maintain()
        .catch((error: unknown) => {
          logger.error(`the store could not be tidied, and is tried again in a minute: ${messageOf(error)}`);
        })
        .then(() => store.tellRepair(logger));
    }, MAINTENANCE_MILLISECONDS).unref();
    return store;
  }

  /** Opens it for questions alone, beside a collector that writes it. Throws an EverflameError where there is none. */
  static read(folder: string): FolderStore {
    return FolderStore.opened(folder, true, RETENTION);
  }

  private static opened(folder: string, readOnly: boolean, retention: Retention): FolderStore {
    const { NativeStore } = loadStore();
    try {
      const native = NativeStore.open(folder, readOnly, readOnly ? undefined : retention);
      return new FolderStore(folder, native, retention);
    } catch (error) {
      throw coded(error);
    }
  }

  /** A store is mended when it is opened, or when a question meets the damage. */
  private tellRepair(logger: Logger): void {
    const { repaired } = this.native;
    if (repaired && repaired !== this.told) logger.warn(repaired);
    this.told = repaired;
  }

  /** Adds up hours that are over, and removes what is too old or too much. */
  async maintain(): Promise<void> {
    await answered(this.native.maintain(this.retention));
  }

  async ingest(uploads: Upload[]): Promise<Kept[]> {
    // One that cannot be told to the binding must not take those with it that came at the same time.
    const kept = await this.ingestValid(uploads.filter(isInTime));
    return uploads.map((upload) => (isInTime(upload) ? (kept.shift() as Kept) : outOfTime(upload)));
  }

  private async ingestValid(uploads: Upload[]): Promise<Kept[]> {
    if (uploads.length === 0) return [];
    const outcomes = await answered(this.native.ingest(uploads.map(nativeUpload)));
    return outcomes.map((profiles) => ({ profiles: profiles as KeptProfile[] }));
  }

  services(): Promise<Buffer> {
    return answered(this.native.services());
  }

  labels(selection: Selection): Promise<Buffer> {
    return answered(this.native.labels(native(selection), MOST_VALUES));
  }

  series(
    selection: Selection,
    { step, by, limit }: { step: number; by?: string; limit: number },
  ): Promise<Buffer> {
    return answered(this.native.series(native(selection), step, by, limit));
  }

  metrics(
    selection: Selection,
    { step, by, limit }: { step: number; by?: string; limit: number },
  ): Promise<Buffer> {
    return answered(this.native.metrics(native(selection), step, by, limit));
  }

  tree(
    selection: Selection,
    { frames, by, nodes }: { frames: Frames; by?: string; nodes: number },
  ): Promise<Buffer> {
    return answered(this.native.tree(native(selection), frames, by, nodes));
  }

  diff(a: Selection, b: Selection, { frames, nodes }: { frames: Frames; nodes: number }): Promise<Buffer> {
    return answered(this.native.diff(native(a), native(b), frames, nodes));
  }

  sandwich(
    selection: Selection,
    { name, file, nodes }: { name: string; file: string; nodes: number },
  ): Promise<Buffer> {
    return answered(this.native.sandwich(native(selection), name, file, nodes));
  }

  table(selection: Selection, { by, limit }: { by: string; limit: number }): Promise<Buffer> {
    return answered(this.native.table(native(selection), by, limit));
  }

  lines(selection: Selection, { file }: { file: string }): Promise<Buffer> {
    return answered(this.native.lines(native(selection), file));
  }

  timeline(selection: Selection, { limit }: { limit: number }): Promise<Buffer> {
    return answered(this.native.timeline(native(selection), limit));
  }

  pprof(selection: Selection): Promise<Buffer> {
    return answered(this.native.pprof(native(selection)));
  }

  profiles(selection: Selection, { limit }: { limit: number }): Promise<Buffer> {
    return answered(this.native.profiles(native(selection), limit));
  }

  async status(): Promise<unknown> {
    const status = await parsed<object>(answered(this.native.status()));
    return { ...status, limitBytes: this.retention.bytes, limitAge: this.retention.profiles };
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.maintenance;
    this.native.close();
  }
}

/** Nanoseconds since 1970 in 63 bits: to 2262. */
function isInTime({ start, end }: Upload): boolean {
  return [start, end].every((time) => time >= 0n && BigInt.asUintN(63, time) === time);
}

function outOfTime({ profiles }: Upload): Kept {
  const reason = 'it is of a time before 1970 or after 2262: set the clock of its machine';
  return { profiles: profiles.map(() => ({ state: 'refused', reason, samples: 0 })) };
}

function native({ type, ...selection }: Selection): NativeSelection {
  return type === undefined ? selection : { ...selection, type };
}
