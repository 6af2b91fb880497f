/** What the collector asks of the store: crates/everflame-store, behind its binding, is one. */

/** One profile as it came. */
export interface UploadedProfile {
  /** As the client calls it, such as `wall.pprof`. */
  name: string;
  format: 'pprof' | 'otlp' | 'otlp-json';
  /** Of `pprof` as it came: plain, or compressed with gzip or Zstandard. Of the others without their content encoding. */
  data: Buffer;
}

/** What arrived together from one process and is kept together: one request of a client, or a series of a push. */
export interface Upload {
  /** Empty for OTLP, whose resources name their services themselves. */
  service: string;
  /** Of the process, each key once. */
  tags: [key: string, value: string][];
  /** In nanoseconds since the epoch. Both are 0 where the request does not say: then each profile's own time counts. */
  start: bigint;
  end: bigint;
  /** Who sent it, such as `dd-trace-js/6.21.0`. */
  client: string;
  /** It came in one request with the upload before it, and has what that leaves of the limit for all profiles. */
  joined?: boolean;
  profiles: UploadedProfile[];
  /** Which npm packages its files are of, as far as the client says. */
  packages?: UploadedPackage[];
  /** The process is of this machine: versions of packages that nobody tells are read from their files. */
  isLocal?: boolean;
  /** How many requests came from `start` to `end`; left out where the client does not say. */
  requests?: EndpointRequests[];
}

/** An npm package with its version, and how the names of its files begin: `express@4.21.2` and `/app/node_modules/express/`. */
export interface UploadedPackage {
  path: string;
  package: string;
}

/** The kind of value that counts of requests are kept as. They have no stacks, and go into no file. */
export const REQUESTS = 'requests';

/** How many requests came for one endpoint: a whole number. */
export interface EndpointRequests {
  endpoint: string;
  count: number;
}

/** What became of each profile of an upload, in its order; of `otlp`, which may hold several, of each of those. */
export interface Kept {
  profiles: KeptProfile[];
}

export interface KeptProfile {
  /** `duplicate` is there already, and not twice. */
  state: 'kept' | 'duplicate' | 'refused';
  /** Of one that was refused: why, as a part of a sentence. */
  reason?: string;
  samples: number;
}

/** Which samples a query is about: docs/api.md, "A selection". Times are milliseconds since the epoch. */
export interface Selection {
  service: string;
  from: number;
  to: number;
  type?: string;
  where: Condition[];
}

/** A sample meets it that has any of these values, or with `negated` none of them. An empty value stands for "has none". */
export interface Condition {
  key: string;
  values: string[];
  negated: boolean;
}

/** What a frame of a tree is: a function, a line of one, a file or a package. */
export type Frames = 'function' | 'line' | 'file' | 'package';

/** The JSON of an answer, for a program; whoever asks over HTTP has its bytes as they are. */
export async function parsed<T>(answer: Promise<Buffer>): Promise<T> {
  return JSON.parse((await answer).toString()) as T;
}

/**
 * Where profiles are kept, and asked for. Answers are bytes, as docs/api.md has them. A query that cannot be answered rejects with
 * an error whose `code` is `NOT_FOUND` (no such service, function or file), `BAD_QUERY` or `BUSY`, and whose message is one
 * sentence for whoever asked.
 */
export interface Store {
  /** Where it lies: other processes may read it there. */
  readonly folder: string;
  /**
   * One commit for all: durable when it resolves, with one answer for each upload, in their order. It rejects where nothing was
   * kept, and the same may be tried later.
   */
  ingest(uploads: Upload[]): Promise<Kept[]>;
  services(): Promise<Buffer>;
  labels(selection: Selection): Promise<Buffer>;
  series(selection: Selection, options: { step: number; by?: string; limit: number }): Promise<Buffer>;
  /** What processes tell of themselves; the type of the selection says nothing there. */
  metrics(selection: Selection, options: { step: number; by?: string; limit: number }): Promise<Buffer>;
  tree(selection: Selection, options: { frames: Frames; by?: string; nodes: number }): Promise<Buffer>;
  diff(a: Selection, b: Selection, options: { frames: Frames; nodes: number }): Promise<Buffer>;
  sandwich(selection: Selection, options: { name: string; file: string; nodes: number }): Promise<Buffer>;
  table(selection: Selection, options: { by: string; limit: number }): Promise<Buffer>;
  lines(selection: Selection, options: { file: string }): Promise<Buffer>;
  timeline(selection: Selection, options: { limit: number }): Promise<Buffer>;
  pprof(selection: Selection): Promise<Buffer>;
  profiles(selection: Selection, options: { limit: number }): Promise<Buffer>;
  status(): Promise<unknown>;
  close(): Promise<void>;
}
