import { accessSync, constants, existsSync, lstatSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Configuration } from '../../config/settings';
import { reasonOf } from '../../log';
import { absoluteFolder, absolutePrefix } from '../../output/folder';
import { isMangled } from '../../output/odd-folder';
import type { ExporterName } from '../../upload/upload';
import { formatValue } from '../format';
import { type Finding, finding, type Part } from './report';

/** A folder that profiles are written to. */
export interface FolderFact {
  /** `output`: somebody has named it. `inbox`: nobody has. `spool`: profiles that are yet to be sent. */
  role: 'output' | 'inbox' | 'spool';
  path: string;
  /** Whether profiles of these settings go there. */
  used: boolean;
  writable: boolean;
  /** Why it cannot be written. */
  reason?: string;
  freeBytes?: number;
  profiles: number;
  bytes: number;
  /** Age of the oldest profile, in seconds. */
  oldestSeconds?: number;
}

const PROFILE = /\.wall\.pprof$/;
/** Types of /proc and /sys (statfs(2)), whose folders say that they can be written. */
const KERNELS_OWN: readonly number[] = [0x9fa0, 0x62656572];
const LITTLE_BYTES = 64 * 1024 ** 2;
/** The folder of a process in the spool has those of others in it that it has taken over. */
const DEEPEST = 4;
const DAY_SECONDS = 86_400;

/** The folders that profiles are written to. Makes none of them. */
export function checkFolders(
  { output, spool, spoolFolder }: Configuration,
  exporters: readonly ExporterName[],
  isSent: boolean,
): Part<FolderFact[]> {
  const facts: FolderFact[] = [];
  const findings: Finding[] = [];
  const toFiles = exporters.includes('file') || exporters.includes('local');
  if (toFiles && exporters.includes('file') && output !== undefined) {
    const prefix = absolutePrefix(output);
    facts.push(look('output', dirname(prefix), true, basename(prefix)));
  } else {
    const folder = inbox();
    if (toFiles || existsSync(folder)) facts.push(look('inbox', folder, toFiles, 'profile'));
  }
  const spoolPath = spoolFolder === undefined ? defaultSpool() : absoluteFolder(spoolFolder);
  const isSpoolUsed = isSent && spool !== 'off';
  if (isSpoolUsed || existsSync(spoolPath)) facts.push(look('spool', spoolPath, isSpoolUsed));
  for (const fact of facts) findings.push(...findingsOf(fact));
  return { facts, findings };
}

function findingsOf(fact: FolderFact): Finding[] {
  const { role, path, used, writable, reason, freeBytes, profiles, bytes, oldestSeconds } = fact;
  const findings: Finding[] = [];
  const what = role === 'spool' ? 'The spool' : role === 'inbox' ? 'The inbox' : 'The output folder';
  const holds =
    profiles === 0
      ? 'no profile is in it'
      : `${profiles} ${profiles === 1 ? 'profile is' : 'profiles are'} in it (${formatValue(bytes, 'bytes')}), the oldest ${formatAge(oldestSeconds ?? 0)} old`;
  if (!used) {
    return profiles === 0
      ? []
      : [finding('note', role, `${what} ${path} is not used by these settings; ${holds}.`)];
  }
  if (!writable) {
    const isSpool = role === 'spool';
    const loss = isSpool ? ' Profiles that cannot be sent wait in memory and are lost with the process.' : '';
    const remedy = isSpool
      ? 'Name a folder that can be written with EVERFLAME_SPOOL_DIR=<dir>, or set EVERFLAME_SPOOL=off.'
      : 'Name a folder that can be written with DD_PROFILING_OUTPUT_PPROF=<prefix> or --output <dir>.';
    return [
      finding(
        isSpool ? 'warning' : 'failure',
        role,
        `${what} ${path} cannot be written: ${reason}.${loss}`,
        remedy,
      ),
    ];
  }
  const free = freeBytes === undefined ? '' : `, ${formatValue(freeBytes, 'bytes')} are free`;
  findings.push(finding('ok', role, `${what} ${path} can be written${free}; ${holds}.`));
  if (freeBytes !== undefined && freeBytes < LITTLE_BYTES) {
    findings.push(
      finding(
        'warning',
        `${role}.space`,
        `Little space is free for ${path}.`,
        'Free some, or name another folder.',
      ),
    );
  }
  if (role === 'spool' && profiles > 0) {
    const text = 'What waits in the spool is sent by the next process that sends to the same place.';
    findings.push(finding('note', 'spool.waiting', text));
  }
  return findings;
}

function look(role: FolderFact['role'], path: string, used: boolean, start = ''): FolderFact {
  const fact: FolderFact = { role, path, used, writable: true, profiles: 0, bytes: 0 };
  const nearest = nearestExisting(path);
  try {
    if (!statSync(nearest).isDirectory()) throw new Error(`${nearest} is no folder`);
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (error) {
    fact.writable = false;
    fact.reason = reasonOf(error);
  }
  try {
    const { bavail, bsize, type } = statfsSync(nearest);
    fact.freeBytes = bavail * bsize;
    if (KERNELS_OWN.includes(type)) {
      fact.writable = false;
      fact.reason = `${nearest} is of the kernel and holds no files`;
    }
  } catch {
    // Not on every file system.
  }
  let oldest = Number.POSITIVE_INFINITY;
  for (const file of profilesIn(path, role === 'spool' ? DEEPEST : 0, start)) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found) continue;
    fact.profiles += 1;
    fact.bytes += found.size;
    oldest = Math.min(oldest, found.mtimeMs);
  }
  if (fact.profiles > 0) fact.oldestSeconds = Math.max(0, Math.round((Date.now() - oldest) / 1000));
  return fact;
}

function profilesIn(folder: string, depth: number, start: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return depth > 0 ? profilesIn(path, depth - 1, start) : [];
      return PROFILE.test(entry.name) && entry.name.startsWith(`${start}`) ? [path] : [];
    });
  } catch {
    // Not there yet, or another user's.
    return [];
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

/** As `inboxPrefix`, without making a folder. */
function inbox(): string {
  const here = resolve('.everflame');
  return !isMangled(resolve('.')) && look('inbox', here, true).writable ? here : ownTemporary();
}

/** As `defaultSpool`, without making a folder. */
function defaultSpool(): string {
  return join(ownTemporary(), 'spool');
}

/** Where another user has that name, a new folder is made for each process. */
function ownTemporary(): string {
  const uid = process.getuid?.();
  const path = join(tmpdir(), `everflame-${uid ?? 'user'}`);
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found && uid !== undefined && found.uid !== uid ? `${path}-…` : path;
}

function formatAge(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 2 * DAY_SECONDS
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / DAY_SECONDS)} days`;
}
