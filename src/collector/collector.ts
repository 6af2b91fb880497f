import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EverflameError } from '../engine';
import { Reporter } from '../export/reporter';
import { Files } from '../import/files';
import { openFilesStore } from '../import/files-store';
import { OF_PAGE } from '../import/limits';
import { type Logger, reasonOf } from '../log';
import { packageRoot } from '../package-root';
import { Counts } from './counts';
import { Events } from './events';
import { Answerer } from './http/answerer';
import type { Doors } from './http/guard';
import { Room } from './http/room';
import { makeToken, Token } from './http/token';
import { tellUnreadable } from './http/unreadable';
import { Inbox } from './inbox/inbox';
import { IngestQueue } from './intake/queue';
import { LIMITS, type Limits } from './limits';
import { isLoopback, listenTcp } from './listen/tcp';
import { listenUnix } from './listen/unix-socket';
import { Page } from './page';
import { COLLECTOR_PORT } from './port';
import { announce, withdraw } from './presence';
import { Routes } from './routes';
import type { SourceReaders } from './source/answer';
import type { Store } from './store';

/** Of a query that has two selections in it. */
const MOST_HEADER_BYTES = 32 * 1024;
/** How often connections are looked at for their time. */
const CHECK_MILLISECONDS = 1000;
/** How long answers that are on their way may take when the collector ends. */
const CLOSE_MILLISECONDS = 2000;

const LOCAL = 'localhost';

/** What a collector is made from. */
export interface CollectorOptions {
  /** Stays its owner's, who closes it after the collector. */
  store: Store;
  /** Files that are shown already; as the store, they stay their owner's. */
  files?: Files;
  logger: Logger;
  /** `localhost` for 127.0.0.1 and ::1. With an address beyond this machine, such as 0.0.0.0, everybody must show the token. */
  host?: string;
  /** 0 for any that is free. */
  port?: number;
  /** Names beside localhost by which it is asked, such as `host.docker.internal`. */
  names?: readonly string[];
  /** Everybody must show it. Left out, it is made where the host needs one. */
  token?: string;
  /** It listens there too. */
  socketPath?: string;
  /** A folder in which applications leave profiles, and where they find word of the collector. */
  inbox?: string;
  /** The folder of the built page. */
  page?: string;
  /** Whether everybody who may ask is given the source files that profiles name. Left out: the own user alone, and nobody beyond this machine. */
  source?: boolean;
  limits?: Partial<Limits>;
}

/** A collector that listens. */
export interface Collector {
  /** Such as `http://127.0.0.1:7126` and `unix:///run/everflame.sock`; without the token. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Undefined where nobody needs one. */
  readonly token: string | undefined;
  /** Takes nothing more, and settles when what was taken is kept. */
  close(): Promise<void>;
}

/** Starts a collector. Throws an EverflameError where it cannot listen, and for a token that is none. */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { host = LOCAL, port = COLLECTOR_PORT, socketPath, names = [], inbox } = options;
  const token = options.token ?? (isLoopback(host) ? undefined : makeToken());
  const doors: Doors = {
    names: [...names, host].map((name) => name.toLowerCase()),
    token: token === undefined ? undefined : new Token(token),
  };
  const collector = new RunningCollector(options, token);
  try {
    await collector.listen(host, port, doors);
    if (socketPath !== undefined) await collector.listenUnix(socketPath);
    if (inbox !== undefined) collector.watch(inbox);
    return collector;
  } catch (error) {
    await collector.close();
    throw error;
  }
}

function readersOf({ source = false, host = LOCAL }: CollectorOptions): SourceReaders {
  if (source) return 'all';
  return isLoopback(host) ? 'user' : 'nobody';
}

class RunningCollector implements Collector {
  private readonly limits: Limits;
  private readonly queue: IngestQueue;
  private readonly events: Events;
  private readonly files: Files;
  private readonly reporter = new Reporter();
  private readonly answerer: Answerer;
  private readonly servers: { server: Server; address: string }[] = [];
  private inbox: Inbox | undefined;
  port = 0;

  constructor(
    private readonly options: CollectorOptions,
    readonly token: string | undefined,
  ) {
    const { store, logger, page = join(packageRoot, 'dist', 'viewer') } = options;
    const limits = { ...LIMITS, ...options.limits };
    const counts = new Counts();
    this.limits = limits;
    this.events = new Events(limits);
    this.queue = new IngestQueue(store, logger, (upload, kept) => this.events.kept(upload, kept));
    this.files = options.files ?? new Files(() => openFilesStore(logger), OF_PAGE);
    const routes = new Routes({
      store,
      files: this.files,
      queue: this.queue,
      events: this.events,
      page: new Page(page),
      reporter: this.reporter,
      counts,
      room: new Room(limits.heldBytes),
      limits,
      logger,
      sourceReaders: readersOf(options),
      addresses: () => this.addresses,
    });
    this.answerer = new Answerer(routes, counts, limits, logger);
  }

  get addresses(): readonly string[] {
    return this.servers.map(({ address }) => address);
  }

  private add(server: Server, address: string): void {
    server.on('error', (error) => {
      this.options.logger.error(`the collector at ${address}: ${reasonOf(error)}.`);
    });
    this.servers.push({ server, address });
  }

  async listen(host: string, port: number, doors: Doors): Promise<void> {
    for (const server of await listenTcp(() => this.server(doors), host, port)) {
      const { address, family, port: own } = server.address() as AddressInfo;
      this.port = own;
      const shown = family === 'IPv6' ? `[${address}]` : address;
      this.add(server, `http://${shown}:${own}`);
    }
  }

  async listenUnix(path: string): Promise<void> {
    const server = this.server(undefined);
    await listenUnix(server, path);
    this.add(server, `unix://${path}`);
  }

  watch(folder: string): void {
    this.inbox = new Inbox(folder, this.queue, this.options.logger);
    try {
      this.inbox.start();
      announce(folder, this.addresses[0] ?? '');
    } catch (error) {
      throw new EverflameError(
        'NO_INBOX',
        `profiles cannot be taken out of ${folder}: ${reasonOf(error)}. Name another folder with --inbox`,
        { cause: error },
      );
    }
  }

  async close(): Promise<void> {
    if (this.options.inbox !== undefined) withdraw(this.options.inbox);
    this.events.close();
    this.reporter.close();
    const closed = this.servers.map(
      ({ server }) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    const timer = setTimeout(() => {
      for (const { server } of this.servers) server.closeAllConnections();
    }, CLOSE_MILLISECONDS);
    for (const { server } of this.servers) server.closeIdleConnections();
    await Promise.all(closed);
    clearTimeout(timer);
    await this.inbox?.close();
    await this.queue.rest();
    if (this.files !== this.options.files) await this.files.close();
  }

  private server(doors: Doors | undefined): Server {
    const { headersTime, requestTime, idleTime, connections } = this.limits;
    const server = createServer(
      {
        headersTimeout: headersTime,
        requestTimeout: requestTime,
        keepAliveTimeout: idleTime,
        connectionsCheckingInterval: Math.min(CHECK_MILLISECONDS, headersTime),
        maxHeaderSize: MOST_HEADER_BYTES,
        // Who leaves it out is told as who names a foreign one.
        requireHostHeader: false,
      },
      (request: IncomingMessage, response: ServerResponse) => {
        void this.answerer.answer(request, response, doors);
      },
    );
    tellUnreadable(server);
    server.maxConnections = connections;
    // A client that fetches nothing of its answer. Whoever waits for the store hears of it long before.
    server.setTimeout(idleTime);
    return server;
  }
}
