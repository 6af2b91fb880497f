import { type Faults, type FaultyServer, type Reply, type Request, startFaultyServer } from './faulty-server';
import { type CheckedProfile, checkProfile, plainBytes } from './pprof-contract';
import { Message, type Schema } from './wire';

const PUSH_REQUEST: Schema = { 1: ['series', 'message'] };
const SERIES: Schema = { 1: ['label', 'message'], 2: ['sample', 'message'] };
const LABEL: Schema = { 1: ['name', 'text'], 2: ['value', 'text'] };
const RAW_SAMPLE: Schema = { 1: ['profile', 'bytes'], 2: ['id', 'text'] };

/** A profile that was taken. */
export interface PyroscopeProfile {
  way: 'push' | 'ingest';
  headers: Record<string, string>;
  /** Labels of the series, with `__name__` by the push API. */
  labels: Map<string, string>;
  /** As the server calls it. */
  name: string;
  id: string;
  profile: CheckedProfile;
}

export interface PyroscopeOptions {
  /** Before the paths, as behind a gateway. */
  basePath?: string;
  /** Whether there is a push API: an older server has only `/ingest`. */
  push?: boolean;
  /** The whole `Authorization` header that is asked for. */
  authorization?: string;
  /** Where several tenants are told apart, one has to be named. */
  multitenancy?: boolean;
}

export interface PyroscopeReceiver {
  url: string;
  received: PyroscopeProfile[];
  violations: string[];
  /** Sums by profile type, such as `wall:wall:nanoseconds:wall:nanoseconds`, of all that was taken. */
  totals: Map<string, bigint>;
  /** Series, each with the labels of samples in it. */
  series: Set<string>;
  attempts: FaultyServer['attempts'];
  faults: Faults;
  close(): Promise<void>;
}

/** What the server answers with, and why. */
class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Statuses of Connect for the codes in use; `/ingest` answers with 422 to an invalid profile. */
const STATUS: Record<string, number> = {
  invalid_argument: 400,
  bad_name: 400,
  unauthenticated: 401,
  permission_denied: 403,
  resource_exhausted: 429,
};

const HOUR = 3_600_000;
const BURST = 2 * 1024 * 1024;
const MOST_SAMPLES = 16_000;
const MOST_NAMES = 30;
/** Labels that tell a span and make no series. */
const OF_SPANS = new Set(['span_id', 'trace_id']);

/** Grafana Pyroscope with its limits as they are, which takes no profile that the real one would refuse. */
export async function startPyroscopeReceiver(options: PyroscopeOptions = {}): Promise<PyroscopeReceiver> {
  const receiver = {
    received: [] as PyroscopeProfile[],
    violations: [] as string[],
    totals: new Map<string, bigint>(),
    series: new Set<string>(),
  };
  const base = options.basePath ?? '';
  const server = await startFaultyServer((request): Reply => {
    const isPush = options.push !== false && request.path === `${base}/push.v1.PusherService/Push`;
    const isIngest = request.path === `${base}/ingest`;
    if (!isPush && !isIngest) return { status: 404, body: '404 page not found\n' };
    try {
      authorize(request, options);
      if (isPush) push(request, receiver);
      else ingest(request, receiver);
      return isPush
        ? { status: 200, headers: { 'content-type': 'application/proto' } }
        : { status: 200, body: '' };
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'invalid_argument';
      const message = error instanceof Error ? error.message : String(error);
      if (!/^(unauthenticated|permission_denied)$/.test(code)) receiver.violations.push(message);
      const status = isIngest && code === 'invalid_argument' ? 422 : (STATUS[code] ?? 500);
      return {
        status,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code, message }),
      };
    }
  });
  const { attempts, faults, close } = server;
  return { url: `${server.url}${base}`, ...receiver, attempts, faults, close };
}

type State = Pick<PyroscopeReceiver, 'received' | 'totals' | 'series'>;

function authorize({ headers }: Request, { authorization, multitenancy }: PyroscopeOptions): void {
  if (authorization !== undefined && headers.authorization !== authorization) {
    throw new Refusal('unauthenticated', 'authentication error: invalid credentials');
  }
  const tenant = headers['x-scope-orgid'];
  if (multitenancy && !tenant) throw new Refusal('unauthenticated', 'no org id');
  if (tenant !== undefined && !/^[A-Za-z0-9!\-_.*'()]{1,150}$/.test(tenant)) {
    throw new Refusal('invalid_argument', `tenant ID '${tenant}' contains unsupported character`);
  }
}

function push({ headers, body }: Request, state: State): void {
  if (headers['content-type'] !== 'application/proto') {
    throw new Refusal('invalid_argument', `the content type is ${headers['content-type']}`);
  }
  if (headers['content-encoding']) throw new Refusal('invalid_argument', 'the body is compressed');
  const allSeries = new Message(body, 'PushRequest', PUSH_REQUEST).all<Buffer>('series');
  if (allSeries.length !== 1)
    throw new Refusal('invalid_argument', `${allSeries.length} series in a request`);
  const series = new Message(allSeries[0] as Buffer, 'series', SERIES);
  const pairs = series.all<Buffer>('label').map((data) => {
    const label = new Message(data, 'label', LABEL);
    return [label.text('name'), label.text('value')] as const;
  });
  const labels = new Map(pairs);
  if (labels.size !== pairs.length) throw new Refusal('invalid_argument', 'has duplicate label name');
  const name = labels.get('__name__') ?? '';
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Refusal('invalid_argument', 'invalid metric name');
  for (const data of series.all<Buffer>('sample')) {
    const sample = new Message(data, 'sample', RAW_SAMPLE);
    const profile = readProfile(sample.bytes('profile'), labels, 0n);
    take(state, { way: 'push', headers, labels, name, id: sample.text('id'), profile });
  }
}

function ingest({ headers, query, body }: Request, state: State): void {
  const found = /^([\p{L}\p{N}_.\-/]+)\{(.*)\}$/su.exec(query.get('name') ?? '');
  if (!found) throw new Refusal('bad_name', `invalid name ${query.get('name')}`);
  if (query.get('format') !== 'pprof') throw new Refusal('invalid_argument', 'the format is not pprof');
  const [from, until] = ['from', 'until'].map((key) => query.get(key) ?? '');
  if (!/^\d{10}$/.test(from ?? '') || !/^\d{10}$/.test(until ?? '')) {
    throw new Refusal('invalid_argument', `the times are ${from} and ${until}`);
  }
  const [, application = '', rest = ''] = found;
  const labels = new Map([['service_name', application]]);
  for (const pair of rest === '' ? [] : rest.split(',')) {
    const [, key, value] = /^([A-Za-z0-9_.]+)=([^{}=]*)$/.exec(pair) ?? [];
    if (key === undefined) throw new Refusal('invalid_argument', `"${pair}" is no label`);
    labels.set(key, value ?? '');
  }
  const profile = readProfile(body, labels, BigInt(from ?? 0) * 1_000_000_000n);
  const name = derivedName(profile.types);
  take(state, { way: 'ingest', headers, labels, name, id: '', profile });
}

/** As the server calls a profile that came without a name, by its types. */
function derivedName(types: string[]): string {
  const families: [name: string, pattern: RegExp][] = [
    ['wall', /^wall$/],
    ['process_cpu', /cpu/],
    ['memory', /^(alloc_|inuse_|space$|objects$)/],
    ['mutex', /mutex_/],
    ['block', /block_/],
  ];
  const found = families.find(([, pattern]) => types.some((type) => pattern.test(type)));
  return found?.[0] ?? types.at(-1) ?? '';
}

function readProfile(data: Buffer, labels: Map<string, string>, from: bigint): CheckedProfile {
  const { plain, compression } = plainBytes(data);
  if (compression === 'zstd') throw new Refusal('invalid_argument', 'failed to parse profile');
  if (plain.length > BURST) throw new Refusal('resource_exhausted', `ingestion rate limit (${plain.length})`);
  if (!labels.get('service_name')) throw new Refusal('invalid_argument', 'service name is not provided');
  checkLabels(labels);
  const profile = checkProfile(plain);
  const started = Number((profile.timeNanos || from) / 1_000_000n);
  if (started !== 0 && (started < Date.now() - HOUR || started > Date.now() + HOUR / 6)) {
    const time = new Date(started).toISOString();
    throw new Refusal(
      'invalid_argument',
      `profile with labels '{}' is outside of ingestion window (profile timestamp: ${time})`,
    );
  }
  if (profile.samples.length > MOST_SAMPLES) {
    throw new Refusal('invalid_argument', 'exceeds the samples count limit (max_profile_stacktrace_samples)');
  }
  for (const type of profile.types) {
    if (type.includes('-')) throw new Refusal('invalid_argument', 'sample type contains -');
  }
  return profile;
}

function checkLabels(labels: ReadonlyMap<string, string>): void {
  if (labels.size > MOST_NAMES) {
    throw new Refusal('invalid_argument', `has ${labels.size} label names; limit ${MOST_NAMES}`);
  }
  for (const [name, value] of labels) {
    if (Buffer.byteLength(name) > 1024) throw new Refusal('invalid_argument', 'label name too long');
    if (Buffer.byteLength(value) > 2048) throw new Refusal('invalid_argument', 'label value too long');
    if (!/^[A-Za-z_][A-Za-z0-9_.]*$/.test(name)) {
      throw new Refusal('invalid_argument', `invalid label name '${name}'`);
    }
  }
}

/** Divides a profile into series as the server does, and adds it up. */
function take(state: State, entry: PyroscopeProfile): void {
  const { profile, labels, name } = entry;
  const { types, units, samples, periodType } = profile;
  for (const sample of samples) {
    const own = [...sample.labels].filter(([key, value]) => typeof value === 'string' && !OF_SPANS.has(key));
    for (const [key, value] of sample.labels) {
      const digits = key === 'span_id' ? 16 : 32;
      if (OF_SPANS.has(key) && !new RegExp(`^[0-9a-f]{${digits}}$`).test(String(value))) {
        throw new Refusal('invalid_argument', `${key} is ${value}`);
      }
    }
    const all = new Map([...(own as [string, string][]), ...labels]);
    checkLabels(all);
    state.series.add(JSON.stringify([name, ...[...all].sort()]));
  }
  const [type, unit] = periodType.split('/');
  types.forEach((kind, index) => {
    const key = `${name}:${kind}:${units[index]}:${type}:${unit}`;
    state.totals.set(key, (state.totals.get(key) ?? 0n) + (profile.totals.get(kind) ?? 0n));
  });
  state.received.push(entry);
}
