import { type FSWatcher, readdirSync, rmSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { codeOf, type Logger, reasonOf } from '../../log';
import { makeFolder } from '../../output/folder';
import { readPlain } from '../../upload/spool-file';
import type { IngestQueue } from '../intake/queue';
import type { Upload } from '../store';
import { Processes } from './processes';
import { readHead } from './profile-head';
import { setAside } from './set-aside';

/** How often a folder is looked at whose system tells of nothing new, as those of other machines do. */
const LOOK_MILLISECONDS = 5_000;
const TIDY_MILLISECONDS = 60_000;
/** What goes into one commit at most. */
const MOST_FILES = 64;
const MOST_BYTES = 32 * 1024 * 1024;
const MOST_FILE_BYTES = 64 * 1024 * 1024;
/** A file without a byte has its name already and its content not yet, where a file system has no links (`pprof-file.ts`). */
const EMPTY_MILLISECONDS = 60_000;
const PROFILE = /^profile\.(\d+)\.(\d+)\.wall\.pprof$/;

interface Found {
  name: string;
  path: string;
  pid: number;
  sequence: number;
  size: number;
  /** In milliseconds since the epoch. */
  modified: number;
}

/**
 * Takes in what applications leave in a folder: each profile is removed once it is kept for good. A collector that ends in between
 * meets it again, and the store knows that it has it.
 */
export class Inbox {
  private readonly processes: Processes;
  private watcher: FSWatcher | undefined;
  /** Of the folder that is watched: another one may have taken its place. */
  private inode: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private tidied = 0;
  private looking: Promise<void> | undefined;
  private isDirty = false;
  /** Files that are dealt with and could not be taken away. */
  private readonly done = new Set<string>();

  constructor(
    private readonly folder: string,
    private readonly queue: Pick<IngestQueue, 'add'>,
    private readonly logger: Logger,
  ) {
    this.processes = new Processes(folder, logger);
  }

  /** Makes the folder where it is missing, and begins. Throws the system's error where it cannot be made. */
  start(): void {
    makeFolder(this.folder);
    this.timer = setInterval(() => this.look(), LOOK_MILLISECONDS);
    this.timer.unref();
    this.look();
  }

  /** Takes in what is there. While that goes on, what else appears is taken in behind it. */
  look(): Promise<void> {
    this.isDirty = true;
    this.looking ??= this.takeAll().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.watcher?.close();
    this.watcher = undefined;
    this.isDirty = false;
    await this.looking;
  }

  private async takeAll(): Promise<void> {
    while (this.isDirty) {
      this.isDirty = false;
      try {
        this.watchFolder();
        await this.takeIn(this.files());
        this.tidy();
      } catch (error) {
        // Removed, with all that was in it: whoever writes the next profile makes it anew.
        if (codeOf(error) !== 'ENOENT') this.logger.debug(`the inbox ${this.folder}: ${reasonOf(error)}`);
      }
    }
  }

  private watchFolder(): void {
    const { ino } = statSync(this.folder);
    if (this.timer === undefined || this.inode === ino) return;
    this.watcher?.close();
    this.inode = ino;
    try {
      this.watcher = watch(this.folder, { persistent: false }, () => void this.look());
      this.watcher.on('error', () => undefined);
    } catch (error) {
      this.logger.debug(`${this.folder} is looked at every few seconds, and not watched: ${reasonOf(error)}`);
    }
  }

  /** Profiles that are there, those of each process in their order. */
  private files(): Found[] {
    const found = readdirSync(this.folder).flatMap((name): Found[] => {
      const numbers = PROFILE.exec(name);
      const path = join(this.folder, name);
      const stat = numbers ? statSync(path, { throwIfNoEntry: false }) : undefined;
      if (!numbers || !stat) return [];
      const [, pid, sequence] = numbers;
      return [
        { name, path, pid: Number(pid), sequence: Number(sequence), size: stat.size, modified: stat.mtimeMs },
      ];
    });
    const there = new Set(found.map(markOf));
    for (const mark of this.done) if (!there.has(mark)) this.done.delete(mark);
    const isReady = (file: Found): boolean =>
      (file.size > 0 || Date.now() - file.modified > EMPTY_MILLISECONDS) && !this.done.has(markOf(file));
    return found.filter(isReady).sort((a, b) => a.pid - b.pid || a.sequence - b.sequence);
  }

  private async takeIn(files: Found[]): Promise<void> {
    let batch: { file: Found; upload: Upload }[] = [];
    let bytes = 0;
    for (const file of files) {
      const upload = await this.read(file);
      if (!upload) continue;
      batch.push({ file, upload });
      bytes += file.size;
      if (batch.length < MOST_FILES && bytes < MOST_BYTES) continue;
      await this.commit(batch);
      [batch, bytes] = [[], 0];
    }
    if (batch.length > 0) await this.commit(batch);
  }

  /** Undefined where it is gone, or is no profile and set aside. */
  private async read(file: Found): Promise<Upload | undefined> {
    try {
      const data = readPlain(file.path, MOST_FILE_BYTES);
      const { start, end, runtimeId } = await readHead(data);
      const owner = this.processes.ownerOf(runtimeId, file.pid);
      const profiles: Upload['profiles'] = [{ name: 'wall.pprof', format: 'pprof', data }];
      return { ...owner, start, end, profiles, isLocal: true };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.refuse(file, reasonOf(error));
      return undefined;
    }
  }

  /** Rejects where the store takes nothing now: everything stays where it is, until the next look. */
  private async commit(batch: { file: Found; upload: Upload }[]): Promise<void> {
    const kept = await this.queue.add(batch.map(({ upload }) => upload));
    batch.forEach(({ file }, index) => {
      const [profile] = kept[index]?.profiles ?? [];
      if (profile?.state === 'refused') this.refuse(file, profile.reason ?? 'it is no profile');
      else this.remove(file);
    });
  }

  private remove(file: Found): void {
    try {
      rmSync(file.path, { force: true });
    } catch (error) {
      this.done.add(markOf(file));
      this.logger.warn(
        `${file.path} is kept in the store and cannot be removed: ${reasonOf(error)}. Remove it by hand; it is not taken in again.`,
      );
    }
  }

  private refuse(file: Found, reason: string): void {
    try {
      const place = setAside(this.folder, file.name);
      this.logger.warn(`${file.path} is not taken in: ${reason}. It is set aside as ${place}.`);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      this.done.add(markOf(file));
      this.logger.warn(
        `${file.path} is not taken in: ${reason}. It cannot be set aside: ${reasonOf(error)}. Remove it by hand.`,
      );
    }
  }

  private tidy(): void {
    const now = performance.now();
    if (this.tidied !== 0 && now - this.tidied < TIDY_MILLISECONDS) return;
    this.tidied = now;
    this.processes.tidy();
  }
}

function markOf({ name, size, modified }: Found): string {
  return `${name} ${size} ${modified}`;
}
