import { Busboy } from '@fastify/busboy';
import { checkEvent, type DatadogEvent } from './datadog-event';
import { type Faults, type FaultyServer, type Reply, type Request, startFaultyServer } from './faulty-server';
import { type CheckedProfile, checkProfile, plainBytes } from './pprof-contract';

/** An upload that came whole. */
export interface DatadogUpload {
  headers: Record<string, string>;
  event: DatadogEvent;
  /** Tags of the profiler, by key. */
  tags: Map<string, string>;
  /** Attachments by name; profiles are read as well. */
  attachments: Map<string, Buffer>;
  profiles: Map<string, CheckedProfile>;
}

export interface DatadogOptions {
  /** Listens here instead of on a port. */
  socketPath?: string;
  /** Takes uploads as Datadog's own intake does, from whoever has this key. */
  apiKey?: string;
  /** Most bytes of a request: 2 MiB in the Lambda extension, none elsewhere. */
  mostBytes?: number;
}

export interface DatadogReceiver {
  /** `http://…`, or `unix://…` on a socket. */
  url: string;
  socketPath?: string;
  received: DatadogUpload[];
  /** All that an upload did which it must not. */
  violations: string[];
  attempts: FaultyServer['attempts'];
  faults: Faults;
  close(): Promise<void>;
}

const AGENT_PATH = '/profiling/v1/input';
const INTAKE_PATH = '/api/v2/profile';

/** A Datadog Agent, or with a key Datadog's intake, that takes no upload which the format forbids. */
export async function startDatadogReceiver(options: DatadogOptions = {}): Promise<DatadogReceiver> {
  const received: DatadogUpload[] = [];
  const violations: string[] = [];
  const server = await startFaultyServer(async (request): Promise<Reply> => {
    const path = options.apiKey === undefined ? AGENT_PATH : INTAKE_PATH;
    if (request.path === '/info' && options.apiKey === undefined) {
      return { status: 200, body: JSON.stringify({ version: '7.70.0', endpoints: [AGENT_PATH] }) };
    }
    if (request.path !== path) return { status: 404, body: '404 page not found\n' };
    if (request.method !== 'POST') return { status: 405 };
    if (options.apiKey !== undefined && request.headers['dd-api-key'] !== options.apiKey) {
      return { status: 403, body: '{"errors":[{"title":"Forbidden"}]}' };
    }
    if (request.body.length > (options.mostBytes ?? Number.POSITIVE_INFINITY)) return { status: 413 };
    const found: string[] = [];
    const upload = await readUpload(request, found, options.apiKey !== undefined);
    violations.push(...found);
    if (!upload || found.length > 0) return { status: 400, body: found.join('\n') };
    received.push(upload);
    return { status: options.apiKey === undefined ? 200 : 202 };
  }, options.socketPath);
  return {
    url: server.url,
    ...(options.socketPath !== undefined && { socketPath: options.socketPath }),
    received,
    violations,
    attempts: server.attempts,
    faults: server.faults,
    close: server.close,
  };
}

interface Part {
  name: string;
  filename: string;
  type: string;
  data: Buffer;
}

async function readUpload(
  { headers, body }: Request,
  violations: string[],
  agentless: boolean,
): Promise<DatadogUpload | undefined> {
  checkHeaders(headers, body, violations, agentless);
  let parts: Part[];
  try {
    parts = await readParts(headers, body);
  } catch (error) {
    violations.push(`the body is no multipart: ${error}`);
    return undefined;
  }
  const [first, ...files] = parts;
  if (first?.name !== 'event' || first.filename !== 'event.json' || first.type !== 'application/json') {
    violations.push(`the first part is ${first?.name} (${first?.filename}, ${first?.type}), not the event`);
    return undefined;
  }
  const attachments = new Map<string, Buffer>();
  const profiles = new Map<string, CheckedProfile>();
  for (const { name, filename, type, data } of files) {
    if (name !== filename) violations.push(`part ${name} has the file name ${filename}`);
    if (type !== 'application/octet-stream') violations.push(`part ${name} has the type ${type}`);
    if (attachments.has(name)) violations.push(`part ${name} is there twice`);
    attachments.set(name, data);
    try {
      if (name.endsWith('.pprof')) profiles.set(name, checkProfile(plainBytes(data).plain));
      else if (name.endsWith('.json')) JSON.parse(data.toString());
      else violations.push(`part ${name} is neither a profile nor JSON`);
    } catch (error) {
      violations.push(`${name}: ${error}`);
    }
  }
  const checked = checkEvent(first.data, [...attachments.keys()], violations);
  return checked && { headers, ...checked, attachments, profiles };
}

function checkHeaders(
  headers: Record<string, string>,
  body: Buffer,
  violations: string[],
  agentless: boolean,
): void {
  const required = ['dd-evp-origin', 'dd-evp-origin-version', 'user-agent', 'content-length'];
  for (const name of required) if (!headers[name]) violations.push(`the header ${name} is missing`);
  if (headers['transfer-encoding']) violations.push('the body is sent in chunks');
  if (Number(headers['content-length']) !== body.length) violations.push('Content-Length is not exact');
  if (headers['content-encoding']) violations.push('the body is compressed as a whole');
  if (!agentless && headers['dd-api-key']) violations.push('an Agent got the API key');
  const entity = headers['datadog-entity-id'];
  if (entity !== undefined && !/^(ci-.+|in-\d+)$/.test(entity))
    violations.push(`Datadog-Entity-ID is ${entity}`);
}

function readParts(headers: Record<string, string>, body: Buffer): Promise<Part[]> {
  return new Promise((resolve, reject) => {
    const parts: Part[] = [];
    const busboy = new Busboy({ headers: { ...headers, 'content-type': headers['content-type'] ?? '' } });
    busboy.on('file', (name, stream, filename, _encoding, type) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => parts.push({ name, filename, type, data: Buffer.concat(chunks) }));
    });
    busboy.on('field', (name) => reject(new Error(`part ${name} has no file name`)));
    busboy.on('error', reject);
    busboy.on('finish', () => resolve(parts));
    busboy.end(body);
  });
}
