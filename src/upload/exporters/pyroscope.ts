import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { EverflameError } from '../../engine';
import { accountOf } from '../account';
import { addUp } from '../pprof/add-up';
import { decodeProfile } from '../pprof/decode';
import { encodeProfile } from '../pprof/encode';
import type { Relabelled } from '../pprof/label-sets';
import type { PprofProfile } from '../pprof/model';
import { split } from '../pprof/split';
import type { Answer, Exporter, OutgoingRequest, Upload, Verdict } from '../upload';
import { parseAddress } from './address';
import { authorization, type Credentials } from './credentials';
import { INGEST_PATH, ingestQuery } from './pyroscope/ingest';
import { processLabels, type SeriesLabel, sampleLabels } from './pyroscope/labels';
import { PUSH_PATH, pushRequest } from './pyroscope/push';
import { type Series, seriesOf } from './pyroscope/series';
import { judge, type Way } from './pyroscope/verdict';

const compress = promisify(gzip);

/**
 * What one profile may hold, in Pyroscope's own limits: 16,000 samples, and 2 MiB without compression. Its limit of size is 4
 * MiB, but it takes bytes out of a bucket of 2 MiB, so a larger profile is answered with 429 however often it is sent.
 */
const LIMITS = { bytes: 2_000_000, samples: 16_000 };

/** Where Pyroscope is and who sends. */
export interface PyroscopeOptions extends Credentials {
  /** Such as `http://localhost:4040`; a path is kept. May hold user and password. */
  serverAddress: string;
  /** `X-Scope-OrgID`: whose profiles they are, on a server of several tenants. */
  tenantId?: string;
  /** Stands for the service's name. */
  applicationName?: string;
}

/**
 * Sends to Grafana Pyroscope: each profile type in a request of its own, by the push API, and by `/ingest` where a server or
 * gateway has none.
 */
export class PyroscopeExporter implements Exporter {
  readonly name = 'pyroscope';
  readonly destination: string;
  readonly account: string | undefined;
  private readonly base: string;
  private readonly headers: Record<string, string>;
  private readonly applicationName: string | undefined;
  private way: Way = 'push';

  /** Throws an EverflameError for an address, a tenant or a token that cannot be one. */
  constructor({ serverAddress, tenantId, applicationName, ...credentials }: PyroscopeOptions) {
    const { base, user, password } = parseAddress(serverAddress, 'PYROSCOPE_SERVER_ADDRESS');
    const authorized = authorization(
      credentials.basicAuthUser || !user
        ? credentials
        : { ...credentials, basicAuthUser: user, basicAuthPassword: password },
    );
    this.base = base;
    // A password may change; a user of Grafana Cloud is a tenant.
    this.account = accountOf(credentials.authToken || credentials.basicAuthUser);
    this.applicationName = applicationName;
    this.headers = {
      ...(authorized && { Authorization: authorized }),
      ...(tenantId && { 'X-Scope-OrgID': checkedTenant(tenantId) }),
    };
    this.destination = tenantId ? `${base} (tenant ${tenantId})` : base;
  }

  async requests(upload: Upload): Promise<OutgoingRequest[]> {
    const common = processLabels(upload.identity, this.applicationName);
    const requests: OutgoingRequest[] = [];
    for (const { name, data } of upload.attachments) {
      if (!name.endsWith('.pprof')) continue;
      const profile = await decodeProfile(name, data);
      const labels = sampleLabels(profile, common);
      for (const series of seriesOf(profile)) {
        const profiles = encodeSeries(upload, profile, series, labels);
        for (const [index, encoded] of profiles.entries()) {
          const part = index === 0 ? series.name : `${series.name}.${index + 1}`;
          const named: SeriesLabel[] = [['__name__', series.name], ...common];
          requests.push(this.request(upload, part, named, await compress(encoded)));
        }
      }
    }
    return requests;
  }

  judge(answer: Answer): Verdict {
    const verdict = judge(answer, this.way);
    if (verdict.kind === 'otherwise') this.way = 'ingest';
    return verdict;
  }

  private request(upload: Upload, part: string, labels: SeriesLabel[], profile: Buffer): OutgoingRequest {
    const headers = { 'User-Agent': `everflame/${upload.identity.profilerVersion}`, ...this.headers };
    if (this.way === 'ingest') {
      return {
        part,
        url: `${this.base}${INGEST_PATH}?${ingestQuery(labels, upload.start, upload.end)}`,
        headers: { ...headers, 'Content-Type': 'application/octet-stream' },
        body: profile,
      };
    }
    return {
      part,
      url: `${this.base}${PUSH_PATH}`,
      headers: { ...headers, 'Content-Type': 'application/proto', 'Connect-Protocol-Version': '1' },
      body: pushRequest(labels, profileId(upload, part), profile),
    };
  }
}

/** The profiles of one type, without compression: one, or several where it is above a limit, or none where it is empty. */
function encodeSeries(
  upload: Upload,
  profile: PprofProfile,
  series: Series,
  labels: Relabelled,
): Uint8Array[] {
  const samples = addUp(profile, { ...series, labels });
  return split(profile, samples, labels.sets, LIMITS).map((part) =>
    encodeProfile({
      ...part,
      source: profile,
      types: series.types,
      labelSets: labels.sets,
      periodType: series.periodType,
      period: profile.period || 1,
      start: profile.start || upload.start,
      durationNanoseconds: profile.durationNanoseconds || upload.end - upload.start,
    }),
  );
}

/** The same UUID for the same part at any time, so that what is sent twice can be known for one. */
function profileId({ identity, sequence }: Upload, part: string): string {
  const hash = createHash('sha256').update(`${identity.runtimeId}\0${sequence}\0${part}`).digest('hex');
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');
}

/** As the server checks it: dskit's rules for tenants. */
function checkedTenant(tenantId: string): string {
  if (!/^[A-Za-z0-9!\-_.*'()]{1,150}$/.test(tenantId) || /^\.{1,2}$/.test(tenantId)) {
    throw new EverflameError(
      'BAD_TENANT',
      `the tenant "${tenantId}" has characters that Pyroscope does not take. It takes up to 150 letters, digits and ! - _ . * ' ( )`,
    );
  }
  return tenantId;
}
