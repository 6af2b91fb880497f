import { API, ApiError } from '../api/client.js';

/** What a file has become: see docs/api.md, `/import`. Times are milliseconds since the epoch. */
export interface ShownFile {
  service: string;
  file: string;
  format: string;
  from: number;
  to: number;
  profiles: number;
  types: { name: string; unit: string; total: number }[];
  again: boolean;
}

/** What the collector takes in one request: a larger file would be cut off in the middle. */
export const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Sends a file to the collector.
 * @param sent is told the share (0 to 1) that has left
 * @throws {ApiError} with the collector's sentence where it refuses the file
 */
export function sendFile(file: File, sent: (share: number) => void): Promise<ShownFile> {
  if (file.size > MOST_BYTES)
    throw new ApiError(
      `${file.name} has more than 64 MiB. Show it with "everflame view <file>", or compress it with gzip.`,
      413,
    );
  const query = new URLSearchParams({ name: file.name, modified: String(file.lastModified) });
  // fetch() does not tell how much of a body has been sent.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.addEventListener('progress', ({ loaded, total }) => sent(total > 0 ? loaded / total : 0));
    request.upload.addEventListener('load', () => sent(1));
    request.addEventListener('error', () => {
      reject(
        new ApiError(
          `${file.name} could not be sent. Check that it can still be read and that "everflame view" still runs, then try again.`,
          0,
        ),
      );
    });
    request.addEventListener('load', () => {
      const { status, response } = request;
      if (status === 200 && response) resolve(response as ShownFile);
      else reject(new ApiError(reasonIn(response) ?? `The collector answered ${status}.`, status));
    });
    request.open('POST', `${API}/import?${query}`);
    request.responseType = 'json';
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.send(file);
  });
}

function reasonIn(answer: unknown): string | undefined {
  const error = (answer as { error?: unknown } | null)?.error;
  return typeof error === 'string' ? error : undefined;
}
