import { rmSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf } from '../log';
import { Ages } from './age';
import type { Clock } from './clock';
import { add, type Counters } from './counters';
import { type Note, noteFor, notePath, readNote, writeNote } from './note';
import { beat, Owners } from './owner';
import { makeSpoolFolder, type Seed } from './seed';
import { linked, readPlain, replace } from './spool-file';
import {
  adopt,
  adoptedIn,
  bytesIn,
  filesIn,
  foldersIn,
  giveBack,
  pathOf,
  removeEmpty,
  removeOdd,
  removeOwn,
  type SpooledFile,
  sizeOf,
} from './spool-folder';
import { completeParts } from './spool-part';
import { seedIn } from './spooled-seed';
import type { Attachment, Upload } from './upload';

/** A profile that had to go unsent. */
export interface Removed {
  file: SpooledFile;
  cause: 'uploads_expired' | 'uploads_evicted' | 'uploads_damaged';
  /** To how many receivers it was still to be sent, as far as that is written down. */
  receivers: number;
}

export interface SpoolLimits {
  bytes: number;
  ageMilliseconds: number;
}

/** What is on disk until it was sent. All of it is done at once: this thread is our own. */
export class Spool {
  private readonly owners: Owners;
  private readonly ages: Ages;
  /** What was written last beside a profile, by its name. */
  private readonly beside = new Map<string, { path: string; data: Buffer }>();
  /** Runtime ids of folders that have nothing more for our receivers. */
  private readonly declined = new Set<string>();

  constructor(
    readonly root: string,
    /** The folder of this process. */
    readonly folder: string,
    private readonly seed: Seed,
    private readonly limits: SpoolLimits,
    private readonly counters: Counters,
    private readonly clock: Clock,
  ) {
    this.owners = new Owners(seed, clock);
    this.ages = new Ages(clock);
  }

  /** Writes an upload, and returns its place. Throws the system's error, and leaves nothing then. */
  write(upload: Upload, pending: Note['pending']): SpooledFile {
    const base = `profile.${upload.identity.pid}.${upload.sequence}`;
    const data = upload.attachments.find(({ name }) => name === 'wall.pprof')?.data ?? Buffer.alloc(0);
    const file = { folder: this.folder, base, bytes: data.length, modified: this.clock.wall() };
    this.remake();
    try {
      // The profile last: what is there under its name is whole.
      this.describe(file, upload, pending);
      replace(pathOf(file), data);
    } catch (error) {
      removeBeside(file, readNote(file));
      throw error;
    }
    this.count(1, sizeWith(file, readNote(file)));
    return file;
  }

  /** More is there than may be, as far as this process knows. */
  get isOver(): boolean {
    return this.counters.spool_bytes > this.limits.bytes;
  }

  /** What this process writes and removes shows at once; what others do when all is counted anew. */
  private count(profiles: number, bytes: number): void {
    const { counters } = this;
    counters.spool_profiles = Math.max(0, counters.spool_profiles + profiles);
    counters.spool_bytes = Math.max(0, Math.round(counters.spool_bytes + bytes));
  }

  /** Writes down what a profile goes with, and to whom it is still to be sent. Throws the system's error. */
  describe(file: SpooledFile, upload: Upload, pending: Note['pending']): void {
    const others = upload.attachments.filter(({ name }) => name !== 'wall.pprof');
    const known = readNote(file);
    // With the note of another process, or of the first time, all that it names is there.
    if (known) writeNote(file, { ...known, pending });
    else {
      writeNote(file, noteFor(upload, others, pending));
      for (const { name, data } of others)
        this.putBeside(join(file.folder, `${file.base}.${name}`), name, data);
    }
  }

  /** What is the same as with the profile before, as code provenance mostly is, is a second name of the same file. */
  private putBeside(path: string, name: string, data: Buffer): void {
    const last = this.beside.get(name);
    if (!last?.data.equals(data) || !linked(last.path, path)) replace(path, data);
    this.beside.set(name, { path, data });
  }

  noteOf(file: SpooledFile): Note | undefined {
    return readNote(file);
  }

  /** The files of a profile. Throws the system's error where the profile itself cannot be read. */
  read(file: SpooledFile, note: Note | undefined): Attachment[] {
    const others = (note?.attachments ?? []).flatMap((name) => {
      try {
        return [{ name, data: readPlain(join(file.folder, `${file.base}.${name}`)) }];
      } catch {
        // The profile is worth more than what goes with it.
        return [];
      }
    });
    return [{ name: 'wall.pprof', data: readPlain(pathOf(file)) }, ...others];
  }

  /** Removes a profile; false where it is gone already. Throws the system's error where it cannot be removed. */
  remove(file: SpooledFile): boolean {
    const note = readNote(file);
    const size = sizeWith(file, note);
    const isOurs = removeFiles(file, note);
    if (isOurs) this.count(-1, -size);
    if (file.folder !== this.folder) removeEmpty(file.folder);
    return isOurs;
  }

  /** Profiles in the folder of this process. One without bytes is a name that the sampler has taken and not filled yet. */
  own(): SpooledFile[] {
    return filesIn(this.folder).filter(({ bytes }) => bytes > 0);
  }

  /**
   * Takes over what ended processes have left that `isWanted` says yes to; returns all profiles that were taken over and are not
   * sent yet, with the seed of their process.
   */
  takeOver(isWanted: (seed: Seed) => boolean): { file: SpooledFile; seed: Seed }[] {
    const left = this.leftFolders();
    const ids = new Set(left.map((folder) => basename(folder)));
    for (const id of this.declined) if (!ids.has(id)) this.declined.delete(id);
    for (const folder of left) {
      const seed = seedIn(folder);
      if (!seed || this.declined.has(seed.runtimeId) || !isWanted(seed)) continue;
      this.remake();
      adopt(folder, this.folder);
    }
    return adoptedIn(this.folder).flatMap((folder) => {
      const seed = seedIn(folder);
      return seed ? filesIn(folder).map((file) => ({ file, seed })) : [];
    });
  }

  /** Whether a profile of this process is with another one, which has held this one for ended. */
  isTakenOver({ folder }: SpooledFile): boolean {
    const name = basename(this.folder);
    if (folder !== this.folder) return false;
    return foldersIn(this.root).some((one) => adoptedIn(one).some((adopted) => basename(adopted) === name));
  }

  /** A folder that was taken over has nothing more for our receivers: others may have it. */
  decline(folder: string): void {
    if (folder === this.folder) return;
    const seed = seedIn(folder);
    if (seed) this.declined.add(seed.runtimeId);
    giveBack(folder, this.root);
  }

  /**
   * Shows that this process lives, and removes what is too old or too much: what is its own, and what ended processes have left.
   * What living ones have counts, and they remove it themselves. Nothing that `isBusy` says yes to is removed.
   */
  tidy(isBusy: (path: string) => boolean = () => false): Removed[] {
    const removed: Removed[] = [];
    this.show();
    const left = this.leftFolders();
    const mine = new Set([this.folder, ...adoptedIn(this.folder), ...left]);
    for (const folder of mine) {
      if (folder === this.folder) continue;
      for (const file of removeOdd(folder)) removed.push({ file, cause: 'uploads_damaged', receivers: 1 });
    }
    const folders = new Set([...mine, ...foldersIn(this.root).flatMap((one) => [one, ...adoptedIn(one)])]);
    const files = [...folders].flatMap(filesIn);
    const sizes = new Map([...folders].map((folder) => [folder, bytesIn(folder)]));
    const sizeIn = ({ folder, base }: SpooledFile): number => sizes.get(folder)?.get(base) ?? 0;
    // What is of no profile cannot be removed for itself, and has its share of the room.
    let bytes = [...sizes.values()].flatMap((ofFolder) => [...ofFolder.values()]).reduce((a, b) => a + b, 0);
    for (const file of files) bytes -= sizeIn(file);
    let profiles = 0;
    // An older one that is small enough goes all the same: the oldest first.
    let isFull = false;
    for (const { file, path, age } of this.ages.youngestFirst(files)) {
      const isOld = age > this.limits.ageMilliseconds;
      const size = sizeIn(file);
      isFull ||= bytes + size > this.limits.bytes;
      if ((isOld || isFull) && mine.has(file.folder) && !isBusy(path)) {
        const note = readNote(file);
        const receivers = note ? Object.keys(note.pending).length : 1;
        const cause = isOld ? 'uploads_expired' : 'uploads_evicted';
        if (this.tryToRemove(file, note)) removed.push({ file, cause, receivers });
      } else {
        bytes += size;
        profiles += 1;
      }
    }
    this.counters.spool_bytes = Math.round(bytes);
    this.counters.spool_profiles = profiles;
    for (const folder of mine) if (folder !== this.folder) removeEmpty(folder);
    return removed;
  }

  /** False where it is gone already, or cannot go: others are to be looked at all the same. */
  private tryToRemove(file: SpooledFile, note: Note | undefined): boolean {
    try {
      return removeFiles(file, note);
    } catch {
      add(this.counters, 'spool_failures', 1);
      return false;
    }
  }

  /** The process ends: others may have what it took over, and its folder goes if it is empty. */
  close(): void {
    for (const folder of adoptedIn(this.folder)) giveBack(folder, this.root);
    removeOwn(this.folder);
  }

  /** Folders of ended processes, also those that one of them had taken over. */
  private leftFolders(): string[] {
    const folders = foldersIn(this.root);
    this.owners.keepOnly(folders);
    const left = folders
      .filter((folder) => folder !== this.folder && this.owners.hasEnded(folder, seedIn(folder)))
      .flatMap((folder) => [...adoptedIn(folder), folder]);
    for (const folder of left) completeParts(folder);
    return left;
  }

  private show(): void {
    try {
      beat(this.folder);
    } catch {
      try {
        this.remake();
      } catch {
        // It is told of with the first profile that cannot be kept.
      }
    }
  }

  /** Somebody who tidies the directory for temporary files may have taken the folder. */
  private remake(): void {
    if (seedIn(this.folder) === undefined) makeSpoolFolder(this.root, this.seed);
  }
}

/** Removes a profile and what goes with it; false where it is gone already. Throws the system's error. */
function removeFiles(file: SpooledFile, note: Note | undefined): boolean {
  let isOurs = true;
  try {
    unlinkSync(pathOf(file));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    isOurs = false;
  }
  removeBeside(file, note);
  return isOurs;
}

/** What a profile takes with all that goes with it. */
function sizeWith(file: SpooledFile, note: Note | undefined): number {
  const beside = (note?.attachments ?? []).map((name) => join(file.folder, `${file.base}.${name}`));
  return [pathOf(file), notePath(file), ...beside].reduce((sum, path) => sum + sizeOf(path), 0);
}

/** Removes what goes with a profile. */
function removeBeside(file: SpooledFile, note: Note | undefined): void {
  for (const name of note?.attachments ?? [])
    rmSync(join(file.folder, `${file.base}.${name}`), { force: true });
  rmSync(notePath(file), { force: true });
}
