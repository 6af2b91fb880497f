/** What goes from a process to a receiver, and what an exporter is. */

export type ExporterName = 'datadog' | 'pyroscope' | 'otlp' | 'file' | 'local';

/** A tag: its key, and its value without a comma. */
export type Tag = readonly [key: string, value: string];

/** What is the same in all profiles of one process. Kept beside its profiles in the spool: it is JSON, and holds no secret. */
export interface Identity {
  /** A UUID, new for each process. */
  runtimeId: string;
  service: string;
  env?: string;
  version?: string;
  /** The user's own tags, valid and each key once. */
  tags: Tag[];
  /** The machine's name, where it is to be told. */
  host?: string;
  pid: number;
  /** `main` of a process that has started others, `worker` of one that a profiled one has started. */
  processType?: 'main' | 'worker';
  parentRuntimeId?: string;
  /** Of the Lambda function. */
  functionName?: string;
  gitRepositoryUrl?: string;
  gitCommitSha?: string;
  /** As it stands in `process_tags` of an event: `key:value,…`, sorted. */
  processTags?: string;
  /** `auto` for the preload, `manual` for a program that starts its profiler. */
  activation: 'auto' | 'manual';
  profilerVersion: string;
  runtime: RuntimeFacts;
  /** Settings that are told to receivers; no secret among them. */
  settings: Record<string, unknown>;
}

/** What is known of the machine and of Node.js. */
export interface RuntimeFacts {
  /** With the `v`, as `process.version`. */
  nodeVersion: string;
  /** As `process.arch` and `process.platform`. */
  arch: string;
  platform: string;
  /** As `os.type()`, `os.release()` and `os.version()`. */
  kernelName: string;
  kernelRelease: string;
  kernelVersion: string;
  availableProcessors: number;
  threadPoolSize: number;
  /** When the process started, RFC 3339. */
  startTime: string;
}

/** One file of an upload. */
export interface Attachment {
  /** Such as `wall.pprof`. */
  name: string;
  /** A profile is profile.proto, compressed with gzip; JSON is as it is. */
  data: Buffer;
}

/** Why a profile was made. */
export type SnapshotReason = 'periodic' | 'on_shutdown';

/** One period of one process. */
export interface Upload {
  identity: Identity;
  /** Uploads of this process before this one. */
  sequence: number;
  /** In nanoseconds since the epoch. */
  start: bigint;
  end: bigint;
  reason: SnapshotReason;
  attachments: Attachment[];
  /** Finished web requests of the period by endpoint; undefined where nobody counts them. */
  endpointCounts?: Record<string, number>;
  /** Label keys of the program's own in the profiles. */
  customAttributes?: string[];
  /** The profiler's own counters: names to numbers. */
  internal: Record<string, number>;
}

/** A request that is ready to be sent. `Content-Length` is added by whoever sends it. */
export interface OutgoingRequest {
  /**
   * Which part of the upload it is, such as `wall`: one that was delivered is not sent again with the others. The same for
   * the same upload at any time.
   */
  part: string;
  /** `POST` where left out. */
  method?: 'get';
  /** With `socketPath` the host is only for the header. */
  url: string;
  socketPath?: string;
  /** It goes there itself, whatever proxy the environment names. */
  noProxy?: boolean;
  headers: Record<string, string>;
  body: Buffer;
  /** How many profiles are in it, where a receiver tells how many of them it has not taken. */
  profiles?: number;
  /** How long the answer may take; as long as that to an upload where left out. */
  timeoutMilliseconds?: number;
}

/** Where a request goes. */
export type RequestAddress = Pick<OutgoingRequest, 'url' | 'socketPath' | 'noProxy'>;

/** What a receiver has said. */
export interface Answer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string | undefined>;
  /** The first part of it. */
  body: Buffer;
}

/** What an answer means. `reason` is a part of a sentence; `remedy` is one or more sentences. */
export type Verdict =
  /** `notice` is something that the receiver wants to be known, such as samples that it did not take. */
  | { kind: 'delivered'; notice?: string }
  /** Not now. `afterMilliseconds` is the receiver's own word on when. */
  | { kind: 'retry'; reason: string; afterMilliseconds?: number }
  /** Never as it is: it is dropped and counted. `isPart`: some of it was taken. */
  | { kind: 'refused'; reason: string; remedy: string; isPart?: boolean }
  /** As `refused`; less is to be sent from now on. */
  | { kind: 'too-large'; reason: string }
  /** The exporter has changed its way to send: ask it for the requests anew, at once. */
  | { kind: 'otherwise'; reason: string };

/** Brings uploads to one kind of receiver over HTTP. Runs on the delivery thread. */
export interface Exporter {
  readonly name: ExporterName;
  /** Where it sends to, as people would write it, without a secret. Two of the same name, destination and account are the same. */
  readonly destination: string;
  /** Whose data it is there (`account.ts`); undefined where nobody asks. */
  readonly account?: string | undefined;
  /** What to do where it cannot be reached, in one sentence or more; something usual where left out. */
  readonly unreachable?: string;
  /** The requests of an upload, in the order to send them; none where nothing in it is for this receiver. */
  requests(upload: Upload): Promise<OutgoingRequest[]>;
  /** What an answer means; to which request, for receivers that speak of what is in it. */
  judge(answer: Answer, request?: OutgoingRequest): Verdict;
}
