import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { extname, join, sep } from 'node:path';
import { type Answer, text } from './http/answer';
import { Refusal } from './http/refusal';

const INDEX = '/index.html';

/** Nothing but the page's own: no script in the markup, no frame around it, no other base. */
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-Frame-Options': 'DENY',
};

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
/** Where the build puts what has a hash of its content in its name: another content has another name. */
const HASHED = /^\/assets\/.+-[\w-]{8,}\.\w+$/;

/** The files of the page. Only what lies in its folder is served: a path is looked up, and never put together. */
export class Page {
  private paths = new Map<string, string>();
  /** When the index was written, in milliseconds since the epoch. */
  private built = -1;

  constructor(readonly folder: string) {}

  /** The file at a path. Throws a Refusal where there is none, and where the page was never built. */
  answer(request: IncomingMessage, path: string): Answer {
    if (!this.look()) {
      return text(
        `The page is not built: there is no ${join(this.folder, INDEX)}. In a checkout of Everflame run: npm run build`,
        404,
      );
    }
    const file = this.paths.get(path === '/' ? INDEX : path);
    if (file === undefined)
      throw new Refusal(404, 'there is nothing at this path. The page is at /, queries are below /api/v1.');
    const body = readFileSync(file);
    if (HASHED.test(path))
      return found(file, body, { 'Cache-Control': 'public, max-age=31536000, immutable' });
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    const answer = found(file, body, { 'Cache-Control': 'no-cache', ETag: tag });
    const isKnown = request.headers['if-none-match']?.split(/\s*,\s*/).includes(tag) ?? false;
    // With all headers of the whole answer: a browser takes those of a 304 for the file that it has (RFC 9111, section 3.2).
    return isKnown ? { ...answer, status: 304, body: '' } : answer;
  }

  /** Looks whether it was built, or built anew. */
  private look(): boolean {
    const index = statSync(join(this.folder, INDEX), { throwIfNoEntry: false });
    if (!index?.isFile()) return false;
    if (index.mtimeMs !== this.built) {
      this.paths = new Map(
        filesIn(this.folder).map((name) => [`/${name.split(sep).join('/')}`, join(this.folder, name)]),
      );
      this.built = index.mtimeMs;
    }
    return true;
  }
}

function found(file: string, body: Buffer, headers: Record<string, string>): Answer {
  const type = TYPES[extname(file)] ?? 'application/octet-stream';
  return { type, body, headers: { ...HEADERS, ...headers } };
}

/** Paths of all files below a folder, from there; no links. */
function filesIn(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = join(below, entry.name);
    if (entry.isDirectory()) return filesIn(folder, name);
    return entry.isFile() ? [name] : [];
  });
}
