/** An answer with an error status, as the sentence that the collector gives. */
export class ApiError extends Error {
  override name = 'ApiError';

  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Where the API is, seen from the page. */
export const API = 'api/v1';

/** Who answers questions, each a path with its query, such as `table?service=shop`. Rejects with an {@link ApiError}. */
export interface Source {
  json(path: string, signal?: AbortSignal): Promise<unknown>;
  bytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer>;
}

let source: Source = {
  json: async (path, signal) => (await ask(path, signal)).json(),
  bytes: async (path, signal) => (await ask(path, signal)).arrayBuffer(),
};

/** Has something else answer than the collector: what a report has inside. */
export function answerFrom(other: Source): void {
  source = other;
}

/**
 * Asks the collector for JSON.
 * @param path such as `table?service=shop`
 * @throws {ApiError} with the remedy, when the collector refuses or cannot be reached
 */
export async function askJson<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return (await source.json(path, signal)) as Answer;
}

/** As {@link askJson}, for binary answers. */
export function askBytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  return source.bytes(path, signal);
}

async function ask(path: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`${API}/${path}`, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(
      'The collector does not answer. Check that "everflame view" still runs, then try again.',
      0,
    );
  }
  if (!response.ok) throw new ApiError(await reasonOf(response), response.status);
  return response;
}

async function reasonOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string')
    return body.error;
  return `The collector answered ${response.status}. Its log says more.`;
}
