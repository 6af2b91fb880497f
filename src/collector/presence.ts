import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning } from '../is-running';
import { writeWhole } from '../output/whole-file';

/** What a collector leaves in its inbox while it runs, so that others can say where the profiles have gone. */
interface Presence {
  pid: number;
  /** Of its page, without a token. */
  address: string;
}

const NAME = 'collector.json';

/** Leaves word of this process. Throws the system's error. */
export function announce(inbox: string, address: string): void {
  const presence: Presence = { pid: process.pid, address };
  writeWhole(join(inbox, NAME), JSON.stringify(presence), 0o600);
}

/** Takes the word back, unless it is another collector's by now. */
export function withdraw(inbox: string): void {
  if (read(inbox)?.pid === process.pid) rmSync(join(inbox, NAME), { force: true });
}

/** The address of the page whose collector takes what is left in a folder; undefined where none does. */
export function collectorOf(inbox: string): string | undefined {
  const presence = read(inbox);
  return presence && isRunning(presence.pid) ? presence.address : undefined;
}

function read(inbox: string): Presence | undefined {
  try {
    const { pid, address } = JSON.parse(readFileSync(join(inbox, NAME), 'utf8')) as Partial<Presence>;
    return Number.isInteger(pid) && typeof address === 'string' ? { pid: pid as number, address } : undefined;
  } catch {
    // There is none, or somebody has written something else there.
    return undefined;
  }
}
