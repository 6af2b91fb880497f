import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import type { AxiosInstance } from 'axios';
import { codeOf } from '../log';
import { isHere, proxyVariable } from './proxy';
import { remedyForError } from './remedy';
import type { Answer, OutgoingRequest } from './upload';

/** Most of an answer that is read: it is for a line of the log. */
const MOST_ANSWER_BYTES = 64 * 1024;
/** How long its body may take after its head. */
const MOST_ANSWER_MILLISECONDS = 1000;

/** Sends one request. Rejects where there is no answer, with a reason fit for a line of the log. */
export type Send = (request: OutgoingRequest, signal: AbortSignal) => Promise<Answer>;

/** A request had no answer. `isSent`: all of it was handed to somebody who listens. `remedy` is one or more sentences. */
export class NoAnswer extends Error {
  constructor(
    reason: string,
    readonly isSent = false,
    readonly remedy?: string,
  ) {
    super(reason);
  }
}

/**
 * Sends by axios, over connections of its own: none of them keeps the process alive, is traced with the program's, or follows a
 * redirect. Where the environment names a proxy they go through it, but for an address of this machine, a socket, and `noProxy`.
 */
export function makeSend(userAgent: string, timeoutMilliseconds: number): Send {
  let client: AxiosInstance | undefined;
  return async (request, signal) => {
    const { method = 'post', url, socketPath, noProxy } = request;
    const limit = request.timeoutMilliseconds ?? timeoutMilliseconds;
    // Loaded with the first upload, and before its time begins: it takes tens of milliseconds, on a busy machine a second.
    client ??= makeClient(userAgent);
    const address = new URL(url);
    const isDirect = noProxy || socketPath !== undefined || isHere(address);
    // AbortSignal.any() came with Node.js 20.3.
    const stopped = new AbortController();
    const stop = (): void => stopped.abort();
    let isLate = false;
    let isSent = false;
    const timer = setTimeout(() => {
      isLate = true;
      stop();
    }, limit);
    timer.unref();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      const answer = await client.request<Readable>({
        method,
        url,
        headers: request.headers,
        ...(method === 'post' ? { data: request.body } : {}),
        signal: stopped.signal,
        transport: transportTelling(() => {
          isSent = true;
        }),
        ...(socketPath === undefined ? {} : { socketPath }),
        ...(isDirect ? { proxy: false as const } : {}),
      });
      const names = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
      const headers = Object.fromEntries(names) as Answer['headers'];
      const body = await beginningOf(answer.data);
      // Some compress it all the same: what nobody can read is no text for a line.
      const isPlain = /^(identity)?$/i.test(headers['content-encoding'] ?? '');
      return { status: answer.status, headers, body: isPlain ? body : Buffer.alloc(0) };
    } catch (error) {
      const reason = isLate ? `no answer within ${limit} ms` : reasonOf(error);
      const proxy = isDirect ? undefined : proxyVariable(address);
      const told = proxy === undefined ? reason : `${reason} (${proxy} names a proxy: check that too)`;
      throw new NoAnswer(told, isSent, isLate ? undefined : remedyForError(codeOf(error) ?? ''));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  };
}

function makeClient(userAgent: string): AxiosInstance {
  const axios = require('axios') as typeof import('axios');
  return axios.create({
    adapter: 'http',
    httpAgent: new http.Agent({ keepAlive: false }),
    httpsAgent: new https.Agent({ keepAlive: false }),
    maxRedirects: 0,
    maxBodyLength: Number.POSITIVE_INFINITY,
    responseType: 'stream',
    decompress: false,
    transformRequest: [(data: unknown) => data],
    validateStatus: () => true,
    // Answers are short, and read as they come.
    headers: { common: { 'User-Agent': userAgent, Accept: '*/*', 'Accept-Encoding': 'identity' } },
  });
}

/** What axios takes by itself, told of when the last of a request was handed to the other side's system. */
function transportTelling(sent: () => void): { request: typeof http.request } {
  const request = (options: http.RequestOptions, answered?: (answer: http.IncomingMessage) => void) => {
    const { request: start } = options.protocol === 'https:' ? https : http;
    return start(options, answered).on('finish', sent);
  };
  return { request: request as typeof http.request };
}

/**
 * The bytes of an answer, as far as it comes soon and is of use. Its status has decided by then: a body that does not end must not
 * turn what was taken into what is sent again.
 */
async function beginningOf(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => body.destroy(), MOST_ANSWER_MILLISECONDS);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MOST_ANSWER_BYTES) break;
    }
  } catch {
    // Cut short: what has come is what there is to tell.
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
  return Buffer.concat(chunks).subarray(0, MOST_ANSWER_BYTES);
}

/** What went wrong below HTTP. Node.js puts the attempts on several addresses in one error without a text. */
function reasonOf(error: unknown): string {
  const { message, code, cause } = Object(error) as { message?: unknown; code?: unknown; cause?: unknown };
  const text = typeof message === 'string' ? message.replace(/[.:\s]+$/, '') : '';
  if (text !== '') return text;
  if (cause !== undefined) return reasonOf(cause);
  return typeof code === 'string' ? code : String(error);
}
