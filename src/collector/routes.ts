import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Reporter } from '../export/reporter';
import type { Files } from '../import/files';
import type { Logger } from '../log';
import { packageVersion } from '../package-root';
import type { Counts } from './counts';
import type { Events } from './events';
import { type Answer, json, text } from './http/answer';
import { readPieces } from './http/body';
import { checkOrigin } from './http/guard';
import { Refusal } from './http/refusal';
import type { Room } from './http/room';
import { importFile } from './import';
import { AGENT_PATH, agentInfo, agentIntake } from './intake/agent';
import { DROPPED } from './intake/dropped';
import type { Intake } from './intake/intake';
import { otlpIntake } from './intake/otlp';
import { ingestIntake } from './intake/pyroscope-ingest';
import { pushIntake } from './intake/pyroscope-push';
import type { IngestQueue } from './intake/queue';
import { RequestsVoice } from './intake/requests-voice';
import type { Limits } from './limits';
import type { Page } from './page';
import { answerReport, QUERIES } from './query/api';
import { Parameters } from './query/parameters';
import { ShownStores } from './shown-stores';
import { answerSource, type SourceReaders } from './source/answer';
import type { Store } from './store';

/** Below which queries are. */
const API = '/api/v1';
/** The one thing there that is no query. */
const IMPORT = `${API}/import`;

const INTAKES: ReadonlyMap<string, Intake> = new Map([
  [AGENT_PATH, agentIntake],
  ['/ingest', ingestIntake],
  ['/pyroscope/ingest', ingestIntake],
  ['/push.v1.PusherService/Push', pushIntake],
  ['/v1development/profiles', otlpIntake],
]);

/** What answers are made from. */
export interface Sources {
  store: Store;
  files: Files;
  queue: IngestQueue;
  events: Events;
  page: Page;
  reporter: Reporter;
  counts: Counts;
  room: Room;
  limits: Limits;
  logger: Logger;
  sourceReaders: SourceReaders;
  /** Where the collector is reached. */
  addresses: () => readonly string[];
}

/** Answers requests that may ask: by what follows the host in their target. */
export class Routes {
  private readonly shown: ShownStores;
  private readonly voice: RequestsVoice;

  constructor(private readonly sources: Sources) {
    this.shown = new ShownStores(sources.store, sources.files);
    this.voice = new RequestsVoice(sources.logger);
  }

  /** Undefined where the answer goes on by itself. Rejects with a Refusal. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    const { path, query } = targetOf(request);
    const intake = INTAKES.get(path);
    if (intake) return this.take(request, intake);
    const dropped = DROPPED.get(path);
    if (dropped) return this.drop(request, dropped.methods, dropped.answer);
    if (path === IMPORT) return this.import(request, query);
    if (path === API || path.startsWith(`${API}/`)) return this.query(request, response, path, query);
    allow(request, ['GET', 'HEAD']);
    if (path === '/info') return Promise.resolve(json(agentInfo()));
    return Promise.resolve(this.sources.page.answer(request, path));
  }

  /** How an error is told, to whom it may concern. */
  refuse(request: IncomingMessage, refusal: Refusal): Answer {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const { status, message, headers, refused } = refusal;
    const isForPeople = refused === 'host' || request.headers.accept?.includes('text/html');
    if (isForPeople) return text(message, status, headers);
    return INTAKES.get(path)?.refuse?.(request, refusal) ?? json({ error: message }, status, headers);
  }

  private async take(request: IncomingMessage, intake: Intake): Promise<Answer> {
    allow(request, ['POST', 'PUT']);
    checkOrigin(request);
    const { queue, counts, room, limits } = this.sources;
    const share = room.share();
    try {
      return await intake.take(request, {
        limits,
        share,
        keep: async (uploads) => {
          const kept = await queue.add(uploads);
          const all = kept.flatMap(({ profiles }) => profiles);
          const refused = all.filter(({ state }) => state === 'refused');
          // Where it is all of them the request is refused, and counted so.
          if (refused.length < all.length) counts.refuse('profile', refused.length);
          return kept;
        },
        ignore: (attachments) => {
          counts.ignored += attachments;
        },
        leaveOutRequests: (service, client, why) => {
          counts.requestsLeftOut += 1;
          this.voice.leftOut(service, client, why);
        },
      });
    } finally {
      share.giveBack();
    }
  }

  private async import(request: IncomingMessage, query: string): Promise<Answer> {
    allow(request, ['POST']);
    checkOrigin(request);
    return importFile(request, query, { ...this.sources, shown: this.shown });
  }

  private async drop(
    request: IncomingMessage,
    methods: readonly string[],
    answer: () => Answer,
  ): Promise<Answer> {
    allow(request, methods);
    checkOrigin(request);
    const nothing = { take: () => undefined, giveBack: () => undefined };
    await readPieces(request, this.sources.limits, nothing, () => undefined);
    return answer();
  }

  private async query(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
  ): Promise<Answer | undefined> {
    allow(request, ['GET', 'HEAD']);
    checkOrigin(request);
    const { events, page, reporter } = this.sources;
    const name = path.slice(API.length);
    const parameters = new Parameters(new URLSearchParams(query));
    if (name === '/events') {
      allow(request, ['GET']);
      parameters.end();
      events.listen(response);
      return undefined;
    }
    if (name === '/source')
      return answerSource(this.shown.storeOf(query), parameters, this.sources.sourceReaders, request.socket);
    if (name === '/status') {
      parameters.end();
      return json(await this.status());
    }
    if (name === '/services') {
      parameters.end();
      return { type: 'application/json', body: await this.shown.services() };
    }
    if (name === '/report') return answerReport(this.shown.storeOf(query), parameters, reporter, page.folder);
    const ask = QUERIES.get(name);
    if (ask) return ask(this.shown.storeOf(query), parameters);
    const names = ['/status', '/events', '/services', '/report', '/source', ...QUERIES.keys()].join(', ');
    throw new Refusal(404, `there is no query ${API}${name.slice(0, 60)}. Below ${API} there are ${names}.`);
  }

  private async status(): Promise<unknown> {
    const { store, counts, room, addresses } = this.sources;
    return {
      version: packageVersion(),
      store: await store.status(),
      refused: counts.refused,
      ignored: counts.ignored,
      requestsLeftOut: counts.requestsLeftOut,
      heldBytes: room.used,
      addresses: addresses(),
    };
  }
}

/** Of the form that a client sends to a server and not to a proxy. Throws a Refusal for another. */
export function targetOf({ url = '' }: IncomingMessage): { path: string; query: string } {
  if (!url.startsWith('/'))
    throw new Refusal(400, 'the target of the request is no path. Begin it with a slash.', 'malformed');
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

function allow({ method = '' }: IncomingMessage, methods: readonly string[]): void {
  if (methods.includes(method)) return;
  throw new Refusal(405, `${method} is not for this path. Ask it with ${methods.join(' or ')}.`, undefined, {
    Allow: methods.join(', '),
  });
}
