import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const ROOT = 0;

/**
 * Whether the other end of a connection is this user's, or root's. On the loopback interface everybody of a machine may ask; what of
 * it a collector may read is not everybody's. Fields of the system's tables of sockets are the own address, the other one,
 * and as the eighth the user (proc_pid_net(5)).
 */
export function isOwnUser(
  { remotePort, localPort }: Pick<Socket, 'remotePort' | 'localPort'>,
  own = process.getuid?.(),
): boolean {
  if (remotePort === undefined || localPort === undefined) return false;
  const users = TABLES.flatMap(linesOf).flatMap((line) => {
    const [, own = '', other = '', , , , , user] = line.trim().split(/\s+/);
    return own.endsWith(portOf(remotePort)) && other.endsWith(portOf(localPort)) ? [Number(user)] : [];
  });
  return users.length > 0 && users.every((user) => user === own || user === ROOT);
}

function portOf(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n').slice(1);
  } catch {
    // A system without such a table tells nobody who asks.
    return [];
  }
}
