/** What a client may do at most. Times are milliseconds. */
export interface Limits {
  /** Of one request, as it comes. */
  bodyBytes: number;
  /** Of one request after its content encoding. */
  decompressedBytes: number;
  /** Of all requests that are being read or wait for the store: the collector's memory is bounded by it. */
  heldBytes: number;
  attachments: number;
  tags: number;
  tagKeyCharacters: number;
  tagValueCharacters: number;
  /** Of a service or of an attachment. */
  nameCharacters: number;
  /** Of which an upload may count requests. */
  endpoints: number;
  endpointCharacters: number;
  /** On each address: a client beyond is cut off. */
  connections: number;
  /** Readers of `/events`. */
  listeners: number;
  /** What a reader of `/events` has not fetched yet; one that is behind by more is cut off. */
  unreadBytes: number;
  /** Until the head of a request is there, and until the whole of it is. */
  headersTime: number;
  requestTime: number;
  /** Between two requests on a connection, and without any byte of an answer fetched. */
  idleTime: number;
  /** How long a body that is refused is still read, so that its sender comes to read the answer. */
  lingerTime: number;
  /** Between two events; see docs/api.md. */
  eventTime: number;
}

const MIB = 1024 * 1024;

/** As it is without a word from anybody. */
export const LIMITS: Limits = {
  bodyBytes: 64 * MIB,
  decompressedBytes: 128 * MIB,
  // More than any one request may hold: each finds room once the others are done.
  heldBytes: 256 * MIB,
  attachments: 32,
  tags: 128,
  tagKeyCharacters: 256,
  // Addresses of repositories, and lists of packages.
  tagValueCharacters: 4096,
  nameCharacters: 256,
  endpoints: 10_000,
  endpointCharacters: 4096,
  connections: 256,
  listeners: 32,
  unreadBytes: 256 * 1024,
  headersTime: 10_000,
  requestTime: 60_000,
  idleTime: 65_000,
  lingerTime: 2_000,
  eventTime: 1_000,
};
