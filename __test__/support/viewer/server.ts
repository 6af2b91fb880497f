import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { insightsAnswer } from './insights.js';
import {
  labelsAnswer,
  pprofAnswer,
  profilesAnswer,
  seriesAnswer,
  servicesAnswer,
  timelineAnswer,
} from './lists.js';
import { metricsAnswer } from './metrics.js';
import type { GivenProfile } from './samples.js';
import { Refusal, select } from './selection.js';
import { diffAnswer, linesAnswer, sandwichAnswer, tableAnswer, treeAnswer } from './trees.js';

/** What a page may do that the collector serves: docs/api.md's server sends the same. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript'],
  ['.css', 'text/css'],
  ['.svg', 'image/svg+xml'],
]);

/** A collector with a given store, for tests of the page. */
export interface PageServer {
  /** Address of the page, with a slash at its end. */
  url: string;
  profiles: GivenProfile[];
  /** Paths and queries that were asked for, in order. */
  asked: string[];
  /** Stores a profile and tells the page of it. */
  ingest(profile: GivenProfile): void;
  /** While set, answers to `/api/v1/<path>` wait for it. */
  hold: Map<string, Promise<void>>;
  /** The most questions of each path that were under way at once. */
  most: Map<string, number>;
  /** While set, answers to `/api/v1/<path>` are this error. */
  refuse: Map<string, string>;
  /** Texts of files that `/source` gives; of others it says that they are not there. */
  sources: Map<string, { text: string; modified: number; repositoryPath: string | null }>;
  /** Resolves when a page listens to the events. */
  listened(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the server on a port of its own, with the page as `npm run build:viewer` made it. */
export async function servePage(page: string, profiles: GivenProfile[]): Promise<PageServer> {
  const listeners = new Set<ServerResponse>();
  const asked: string[] = [];
  const hold: PageServer['hold'] = new Map();
  const refuse: PageServer['refuse'] = new Map();
  const sources: PageServer['sources'] = new Map();
  const news = new EventEmitter();
  const underWay = new Map<string, number>();
  const most: PageServer['most'] = new Map();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const status = error instanceof Refusal ? error.status : 500;
      sendJson(response, { error: error instanceof Error ? error.message : String(error) }, status);
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (!pathname.startsWith('/api/v1/')) return sendFile(page, pathname, response);
    const path = pathname.slice('/api/v1/'.length);
    asked.push(`${path}?${searchParams}`);
    if (path === 'events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(':\n\n');
      listeners.add(response);
      news.emit('listened');
      response.on('close', () => listeners.delete(response));
      return;
    }
    underWay.set(path, (underWay.get(path) ?? 0) + 1);
    most.set(path, Math.max(most.get(path) ?? 0, underWay.get(path) ?? 0));
    response.on('close', () => underWay.set(path, (underWay.get(path) ?? 0) - 1));
    await hold.get(path);
    const refusal = refuse.get(path);
    if (refusal !== undefined) throw new Refusal(503, refusal);
    if (path === 'services') return sendJson(response, servicesAnswer(profiles));
    const now = Date.now();
    const size = searchParams.get('frames') ?? 'function';
    const limit = Number(searchParams.get('limit') ?? 1000);
    if (path === 'diff') {
      const side = (name: string) => select(profiles, new URLSearchParams(searchParams.get(name) ?? ''), now);
      return sendBytes(response, diffAnswer(side('a'), side('b'), size), 'application/vnd.everflame.tree');
    }
    if (path === 'metrics') return sendJson(response, metricsAnswer(profiles, searchParams));
    const selected = select(profiles, searchParams, now);
    const by = searchParams.get('by');
    switch (path) {
      case 'labels':
        return sendJson(response, labelsAnswer(selected));
      case 'series':
        return sendJson(response, seriesAnswer(selected, Number(searchParams.get('step')), by));
      case 'table':
        return sendJson(response, tableAnswer(selected, by ?? 'function', limit));
      case 'insights':
        return sendJson(response, insightsAnswer(selected));
      case 'lines':
        return sendJson(response, linesAnswer(selected, searchParams.get('file') ?? ''));
      case 'source': {
        const file = searchParams.get('file') ?? '';
        const none = { text: null, modified: null, repositoryPath: null };
        const found = sources.get(file) ?? { ...none, reason: 'it is not on this machine' };
        return sendJson(response, { file, reason: null, ...found });
      }
      case 'profiles':
        return sendJson(response, profilesAnswer(selected, limit));
      case 'tree':
        return sendBytes(response, treeAnswer(selected, size, by), 'application/vnd.everflame.tree');
      case 'sandwich':
        return sendBytes(
          response,
          sandwichAnswer(selected, searchParams.get('name') ?? '', searchParams.get('file') ?? ''),
          'application/vnd.everflame.tree',
        );
      case 'timeline':
        return sendBytes(response, timelineAnswer(selected), 'application/vnd.everflame.timeline');
      case 'pprof':
        response.setHeader('content-disposition', 'attachment; filename="shop.pb.gz"');
        return sendBytes(response, pprofAnswer(selected), 'application/gzip');
      default:
        throw new Refusal(404, `There is no /api/v1/${path}.`);
    }
  }

  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    profiles,
    asked,
    hold,
    most,
    refuse,
    sources,
    async listened() {
      if (listeners.size === 0) await once(news, 'listened');
    },
    ingest(profile) {
      profiles.push(profile);
      const { service, from, to } = profile;
      for (const listener of listeners)
        listener.write(`event: ingested\ndata: ${JSON.stringify({ service, from, to, profiles: 1 })}\n\n`);
    },
    close() {
      server.closeAllConnections();
      return new Promise((settle) => server.close(() => settle()));
    },
  };
}

async function sendFile(page: string, pathname: string, response: ServerResponse): Promise<void> {
  const name = normalize(pathname === '/' ? '/index.html' : pathname);
  const content = await readFile(join(page, name)).catch(() => {
    throw new Refusal(404, `There is no file ${name}.`);
  });
  response.setHeader('content-security-policy', POLICY);
  response.setHeader('x-content-type-options', 'nosniff');
  sendBytes(response, content, TYPES.get(extname(name)) ?? 'application/octet-stream');
}

function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.statusCode = status;
  sendBytes(response, Buffer.from(JSON.stringify(body)), 'application/json');
}

function sendBytes(response: ServerResponse, body: Buffer, type: string): void {
  response.setHeader('content-type', type);
  response.setHeader('cache-control', 'no-store');
  response.end(body);
}
