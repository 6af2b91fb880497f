import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** Where profiles are posted: the Agent's path, and Pyroscope's two. */
const PROFILE_PATHS = new Set(['/profiling/v1/input', '/ingest', '/push.v1.PusherService/Push']);

/** The clock of the machine in milliseconds, which is the same in every process. */
export function machineMilliseconds() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * A receiver that takes whatever profilers send, and answers at once. `uploads` are the profiles, in the order of their
 * coming: when the body was complete, its type, and its bytes.
 */
export async function startReceiver() {
  const uploads = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const arrived = machineMilliseconds();
    response.setHeader('content-type', 'application/json');
    response.end('{}');
    const { pathname } = new URL(request.url, 'http://127.0.0.1');
    if (!PROFILE_PATHS.has(pathname)) return;
    uploads.push({ arrived, type: request.headers['content-type'], body });
    server.emit('upload');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    uploads,
    /** Resolves when so many uploads are there, or after so many milliseconds. */
    async until(count, milliseconds) {
      const signal = AbortSignal.timeout(milliseconds);
      while (uploads.length < count && !signal.aborted) {
        await once(server, 'upload', { signal }).catch(() => {});
      }
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
