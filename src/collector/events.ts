import type { ServerResponse } from 'node:http';
import { HEADERS } from './http/answer';
import { notNow } from './http/refusal';
import type { Limits } from './limits';
import type { Kept, Upload } from './store';

/** A word now and then, so that whoever has gone without one is noticed, and nothing in between takes the silence for an end. */
const PING_MILLISECONDS = 15_000;
const NANOSECONDS = 1_000_000;

/** What came of one service since the last event. Times are milliseconds since the epoch. */
interface News {
  service: string;
  from: number;
  to: number;
  profiles: number;
}

/** Tells whoever listens to `/events` what has been kept: server-sent events (HTML, section 9.2). */
export class Events {
  private readonly listeners = new Set<ServerResponse>();
  private news = new Map<string, News>();
  private timer: NodeJS.Timeout | undefined;
  private told = Number.NEGATIVE_INFINITY;
  private readonly ping: NodeJS.Timeout;

  constructor(private readonly limits: Limits) {
    this.ping = setInterval(() => this.write(':\n\n'), PING_MILLISECONDS);
    this.ping.unref();
  }

  /** Begins to tell; until the client goes, or does not read. Throws a Refusal where too many listen. */
  listen(response: ServerResponse): void {
    if (this.listeners.size >= this.limits.listeners)
      throw notNow('too many pages listen to this collector. Close one.', 'busy');
    this.listeners.add(response);
    response.once('close', () => this.listeners.delete(response));
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
    // Its own time to come again after an end, and something at once, so that a client knows it is heard.
    response.write('retry: 2000\n\n');
  }

  /** Something is kept. What the upload does not say of its time is now. */
  kept({ service, start, end }: Upload, { profiles }: Kept): void {
    const count = profiles.filter(({ state }) => state === 'kept').length;
    if (count === 0 || this.listeners.size === 0) return;
    const now = Date.now();
    const from = start === 0n ? now : Number(start) / NANOSECONDS;
    const to = end === 0n ? now : Number(end) / NANOSECONDS;
    const known = this.news.get(service);
    this.news.set(service, {
      service,
      from: Math.min(from, known?.from ?? from),
      to: Math.max(to, known?.to ?? to),
      profiles: count + (known?.profiles ?? 0),
    });
    // The first at once, with all of its commit: somebody may wait before an empty page.
    const wait = Math.max(0, this.told + this.limits.eventTime - performance.now());
    this.timer ??= setTimeout(() => this.tell(), wait).unref();
  }

  close(): void {
    clearInterval(this.ping);
    clearTimeout(this.timer);
    for (const response of this.listeners) response.end();
  }

  private tell(): void {
    this.timer = undefined;
    this.told = performance.now();
    const { news } = this;
    this.news = new Map();
    const events = [...news.values()].map((one) => `event: ingested\ndata: ${JSON.stringify(one)}\n\n`);
    // In one piece: who has fetched what was before is not behind, however much this is.
    this.write(events.join(''));
  }

  /** A reader that is behind is cut off: it asks anew, and what it has missed it finds in the answers to its queries. */
  private write(text: string): void {
    for (const response of this.listeners) {
      if (response.writableLength > this.limits.unreadBytes) response.destroy();
      else response.write(text);
    }
  }
}
