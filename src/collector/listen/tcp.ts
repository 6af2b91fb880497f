import type { Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { EverflameError } from '../../engine';
import { codeOf, reasonOf } from '../../log';
import { nextFree, ownerOf } from './port-owner';

/** How often another port is taken where the system chose one that is taken on the other address. */
const TRIES = 20;

/** Nobody can listen on a port that is taken. */
export class PortTaken extends EverflameError {
  constructor(
    message: string,
    readonly port: number,
    /** One that is free, as an offer. */
    readonly free: number | undefined,
  ) {
    super('PORT_TAKEN', message);
  }
}

/** Whether a host is this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * Listens on a port of this machine: on 127.0.0.1, and on ::1 where there is one, or on another address that somebody has named.
 * A port 0 is any that is free. Throws a PortTaken, or an EverflameError for an address that cannot be had.
 */
export async function listenTcp(makeServer: () => Server, host: string, port: number): Promise<Server[]> {
  if (host !== 'localhost') return [await listen(makeServer(), host, port)];
  for (let tries = 0; ; tries++) {
    const first = await listen(makeServer(), '127.0.0.1', port);
    try {
      return [first, await listen(makeServer(), '::1', portOf(first))];
    } catch (error) {
      // A machine or a container without IPv6.
      if (error instanceof EverflameError && error.code === 'NO_ADDRESS') return [first];
      first.close();
      if (port !== 0 || tries === TRIES) throw error;
    }
  }
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function listen(server: Server, host: string, port: number): Promise<Server> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, exclusive: true }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return server;
  } catch (error) {
    throw await explained(error, host, port);
  }
}

async function explained(error: unknown, host: string, port: number): Promise<EverflameError> {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return portTaken(host, port);
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new EverflameError(
        'NO_ADDRESS',
        `this machine has no address ${host}. Name one of its own with --host, or leave that out for 127.0.0.1`,
        { cause: error },
      );
    case 'EACCES':
      return new EverflameError(
        'PORT_FORBIDDEN',
        `port ${port} is not for this user. Name one from 1024 on with --port`,
        { cause: error },
      );
    default:
      return new EverflameError(
        'CANNOT_LISTEN',
        `cannot listen on ${host}, port ${port}: ${reasonOf(error)}. Name others with --host and --port`,
        { cause: error },
      );
  }
}

async function portTaken(host: string, port: number): Promise<PortTaken> {
  const owner = ownerOf(port);
  const free = await nextFree(port, host);
  const by = owner ? `process ${owner.pid} (${owner.command})` : 'another process';
  const offer =
    free === undefined ? 'Name another with --port' : `Port ${free} is free: name it with --port ${free}`;
  return new PortTaken(
    `port ${port} of ${host} is taken by ${by}. ${offer}, or end that process`,
    port,
    free,
  );
}
