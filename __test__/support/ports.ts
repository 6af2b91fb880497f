import { createServer } from 'node:net';

/** Ports of 127.0.0.1 that nobody listens on, for a program that takes no zero. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer().listen(0, '127.0.0.1');
      return new Promise<typeof server>((resolve) => server.once('listening', () => resolve(server)));
    }),
  );
  return Promise.all(
    servers.map((server) => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('a server without a port');
      return new Promise<number>((resolve) => server.close(() => resolve(address.port)));
    }),
  );
}
