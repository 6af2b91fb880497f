import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Counters } from './counters';
import { makeSpoolFolder, type Seed } from './seed';
import {
  adopt,
  adoptedIn,
  beat,
  completeParts,
  filesIn,
  foldersIn,
  hasEnded,
  pathOf,
  release,
  removeFolder,
  type SpooledFile,
  seedIn,
} from './spool-folder';
import type { Attachment, Upload } from './upload';

/** What a process keeps beside a profile of its own; the sampler writes profiles without it. */
export interface Note {
  sequence: number;
  /** In nanoseconds since the epoch, as text: JSON has no such numbers. */
  start: string;
  end: string;
  reason: Upload['reason'];
  /** Further files of the upload, by their names. */
  attachments: string[];
  endpointCounts?: Record<string, number>;
  customAttributes?: string[];
  internal: Record<string, number>;
  /** To which receivers it is still to be sent, and which parts each of them has. */
  pending: Record<string, string[]>;
}

/** A profile that had to go unsent. */
export interface Removed {
  file: SpooledFile;
  cause: 'uploads_expired' | 'uploads_evicted';
}

export interface SpoolLimits {
  bytes: number;
  ageMilliseconds: number;
}

/** What is on disk until it was sent. All of it is done at once: this thread is our own. */
export class Spool {
  constructor(
    readonly root: string,
    /** The folder of this process. */
    readonly folder: string,
    private readonly seed: Seed,
    private readonly limits: SpoolLimits,
    private readonly counters: Counters,
  ) {}

  /** Writes an upload, and returns its place. Throws the system's error. */
  write(upload: Upload, pending: Note['pending']): SpooledFile {
    const profile = upload.attachments.find(({ name }) => name === 'wall.pprof');
    const base = `profile.${upload.identity.pid}.${upload.sequence}`;
    const others = upload.attachments.filter((attachment) => attachment !== profile);
    const note: Note = {
      sequence: upload.sequence,
      start: String(upload.start),
      end: String(upload.end),
      reason: upload.reason,
      attachments: others.map(({ name }) => name),
      ...(upload.endpointCounts ? { endpointCounts: upload.endpointCounts } : {}),
      ...(upload.customAttributes ? { customAttributes: upload.customAttributes } : {}),
      internal: upload.internal,
      pending,
    };
    const file = { folder: this.folder, base, bytes: profile?.data.length ?? 0, modified: Date.now() };
    this.remake();
    // The profile last: what is there under its name is whole.
    for (const { name, data } of others) replace(join(this.folder, `${base}.${name}`), data);
    this.note(file, note);
    replace(pathOf(file), profile?.data ?? Buffer.alloc(0));
    return file;
  }

  /** Somebody who tidies the directory for temporary files may have taken the folder. */
  private remake(): void {
    if (seedIn(this.folder) === undefined) makeSpoolFolder(this.root, this.seed);
  }

  /** Writes down to whom a profile is still to be sent. Throws the system's error. */
  note({ folder, base }: SpooledFile, note: Note): void {
    replace(join(folder, `${base}.json`), Buffer.from(JSON.stringify(note)));
  }

  /** What was written down of a profile; undefined where the sampler wrote it, or that cannot be read. */
  noteOf({ folder, base }: SpooledFile): Note | undefined {
    try {
      const note: unknown = JSON.parse(readFileSync(join(folder, `${base}.json`), 'utf8'));
      return isNote(note) ? note : undefined;
    } catch {
      // The profile itself tells its time, and goes to all receivers of its process.
      return undefined;
    }
  }

  /** The files of a profile. Throws the system's error. */
  read(file: SpooledFile, note: Note | undefined): Attachment[] {
    const others = (note?.attachments ?? []).map((name) => ({
      name,
      data: readFileSync(join(file.folder, `${file.base}.${name}`)),
    }));
    return [{ name: 'wall.pprof', data: readFileSync(pathOf(file)) }, ...others];
  }

  remove(file: SpooledFile): void {
    const { folder, base } = file;
    const note = this.noteOf(file);
    rmSync(pathOf(file), { force: true });
    for (const name of note?.attachments ?? []) rmSync(join(folder, `${base}.${name}`), { force: true });
    rmSync(join(folder, `${base}.json`), { force: true });
    if (folder !== this.folder) removeFolder(folder);
  }

  /** Profiles in the folder of this process, oldest first. */
  own(): SpooledFile[] {
    try {
      return oldestFirst(filesIn(this.folder));
    } catch {
      return [];
    }
  }

  /**
   * Takes over what ended processes have left that `isOurs` says yes to; returns its profiles with the seed of their process, oldest
   * first.
   */
  takeOver(isOurs: (seed: Seed) => boolean): { file: SpooledFile; seed: Seed }[] {
    const found = foldersIn(this.root)
      .filter((folder) => folder !== this.folder)
      .flatMap((folder) => {
        const seed = seedIn(folder);
        if (!seed || !hasEnded(folder, seed) || !isOurs(seed)) return [];
        const adopted = adopt(folder, this.folder);
        for (const taken of adopted) completeParts(taken);
        return adopted;
      });
    for (const folder of found) removeFolder(folder);
    const files = found.flatMap((folder) => {
      const seed = seedIn(folder);
      return seed ? filesIn(folder).map((file) => ({ file, seed })) : [];
    });
    return files.sort((a, b) => a.file.modified - b.file.modified);
  }

  /** Shows that this process lives, and removes what is too old or too much in the whole spool; returns what that was. */
  tidy(now = Date.now()): Removed[] {
    const removed: Removed[] = [];
    try {
      beat(this.folder);
    } catch {
      // Not there: it is made with the next profile.
    }
    const folders = foldersIn(this.root).flatMap((folder) => [folder, ...adoptedIn(folder)]);
    const newestFirst = folders
      .flatMap((folder) => {
        try {
          return filesIn(folder);
        } catch {
          return [];
        }
      })
      .sort((a, b) => b.modified - a.modified);
    let bytes = 0;
    let profiles = 0;
    for (const file of newestFirst) {
      const isOld = now - file.modified > this.limits.ageMilliseconds;
      if (isOld || bytes + file.bytes > this.limits.bytes) {
        this.remove(file);
        removed.push({ file, cause: isOld ? 'uploads_expired' : 'uploads_evicted' });
      } else {
        bytes += file.bytes;
        profiles += 1;
      }
    }
    this.counters.spool_bytes = bytes;
    this.counters.spool_profiles = profiles;
    for (const folder of foldersIn(this.root)) {
      const seed = folder === this.folder ? undefined : seedIn(folder);
      if (seed && hasEnded(folder, seed, now)) removeFolder(folder);
    }
    return removed;
  }

  /** The process ends: others may have what it took over, and its folder goes if it is empty. */
  close(): void {
    release(this.folder, this.root);
    removeFolder(this.folder);
  }
}

function isNote(value: unknown): value is Note {
  const { start, end, sequence, attachments, pending, internal } = Object(value) as Partial<Note>;
  return (
    /^\d+$/.test(String(start)) &&
    /^\d+$/.test(String(end)) &&
    Number.isSafeInteger(sequence) &&
    Array.isArray(attachments) &&
    attachments.every((name) => /^[\w.-]+$/.test(String(name))) &&
    typeof internal === 'object' &&
    Object.values(Object(pending)).every(Array.isArray)
  );
}

function oldestFirst(files: SpooledFile[]): SpooledFile[] {
  return files.sort((a, b) => a.modified - b.modified);
}

/** A reader meets the old file or the new one, and never half of one. */
function replace(path: string, data: Buffer): void {
  const temporary = `${path}.${process.hrtime.bigint().toString(36)}.tmp`;
  try {
    writeFileSync(temporary, data, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
