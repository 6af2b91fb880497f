import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** Ports that are tried for the one to offer. */
const TRIES = 20;
const MOST_CHARACTERS = 120;
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** TCP_LISTEN of include/net/tcp_states.h, as proc_net_tcp has it. */
const LISTENS = '0A';

/** Which process listens on a port, as far as this user may see that. */
export function ownerOf(port: number): { pid: number; command: string } | undefined {
  const inodes = new Set(TABLES.flatMap((table) => socketsIn(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of processes()) {
    if (holds(pid, inodes)) return { pid, command: commandOf(pid) };
  }
  return undefined;
}

/** The first port behind this one on which nobody listens; undefined where there is none soon. */
export async function nextFree(port: number, host: string): Promise<number | undefined> {
  for (let next = port + 1; next <= Math.min(port + TRIES, 65_535); next++) {
    if (await isFree(next, host)) return next;
  }
  return undefined;
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Inodes of the sockets that listen on a port: of each line the address is the second field, the state the fourth, the inode the tenth. */
function socketsIn(table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return linesOf(table).flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, address = '', , state] = fields;
    const inode = fields[9];
    return address.endsWith(end) && state === LISTENS && inode ? [`socket:[${inode}]`] : [];
  });
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n').slice(1);
  } catch {
    // Not Linux.
    return [];
  }
}

function processes(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function holds(pid: number, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((name) => sockets.has(targetOf(`/proc/${pid}/fd/${name}`)));
  } catch {
    // Another user's, or gone.
    return false;
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    // Closed in between.
    return '';
  }
}

/** The command line, in one line and shortened. */
function commandOf(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ');
    const line = words.replace(/[^\x20-\x7e\u00a0-\uffff]+/g, ' ');
    return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
  } catch {
    return '';
  }
}
