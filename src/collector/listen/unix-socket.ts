import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { EverflameError } from '../../engine';
import { codeOf, reasonOf } from '../../log';

/** Of the path of a socket (unix(7), sun_path). What is longer would be cut, and be another one. */
const MOST_BYTES = process.platform === 'linux' ? 107 : 103;
/** For this user alone. */
const MODE = 0o600;

/**
 * Listens on a Unix socket that is this user's alone. One that a server has left behind is removed; one that answers is not, and
 * neither is a file. Throws an EverflameError. The socket goes with the server.
 */
export async function listenUnix(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MOST_BYTES) {
    throw new EverflameError(
      'BAD_SOCKET',
      `the path of the socket has ${Buffer.byteLength(path)} bytes, and the system takes ${MOST_BYTES}. Name a shorter one with --socket`,
    );
  }
  try {
    await listen(server, path);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw cannot(path, error);
    await removeStale(path);
    await listen(server, path).catch((second: unknown) => {
      throw cannot(path, second);
    });
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is made within the call: there is no instant in which others may open it.
    const before = process.umask(0o777 & ~MODE);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        chmodSync(path, MODE);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

async function removeStale(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
    throw new EverflameError(
      'NO_SOCKET',
      `${path} is there and is no socket. Name another path with --socket, or move it away`,
    );
  }
  if (await answers(path)) {
    throw new EverflameError(
      'SOCKET_TAKEN',
      `another process listens on ${path}. Name another path with --socket, or end that process`,
    );
  }
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw cannot(path, error);
  }
}

/** Whether anybody accepts: nothing but a refusal says that the one who made it has gone. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ENOENT'));
  });
}

function cannot(path: string, error: unknown): EverflameError {
  if (error instanceof EverflameError) return error;
  return new EverflameError(
    'CANNOT_LISTEN',
    `cannot make the socket ${path}: ${reasonOf(error)}. Name a path in a folder that this user may write to`,
    { cause: error },
  );
}
