import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * Runs `body` while no other process of this machine is inside the same lock; waits for it otherwise. The lock is a socket
 * by name alone (unix(7), abstract sockets): the kernel gives it back however its holder ends.
 * @param {string} path what is locked; it need not exist
 * @param {() => Promise<T>} body
 * @param {() => void} [onWait] is called when it has to wait
 * @returns {Promise<T>}
 * @template T
 */
export async function withLock(path, body, onWait = () => {}) {
  const name = `\0everflame-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  let server = await take(name);
  if (server === undefined) onWait();
  while (server === undefined) {
    await holderEnds(name);
    server = await take(name);
  }
  try {
    return await body();
  } finally {
    server.close();
    for (const socket of server.waiting) socket.destroy();
  }
}

/** The server that holds a name, or undefined where another process does. */
async function take(name) {
  const server = createServer();
  server.waiting = new Set();
  server.on('connection', (socket) => {
    server.waiting.add(socket);
    socket.on('error', () => {}).on('close', () => server.waiting.delete(socket));
  });
  server.listen(name);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (error.code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

/** Settles when the holder of a name closes the connection, or is gone already. */
async function holderEnds(name) {
  const socket = connect(name);
  socket.on('error', () => {});
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
}
