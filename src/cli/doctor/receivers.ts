import type { DeliveryConfiguration } from '../../config/delivery-settings';
import { publicAddress } from '../../config/plain-text';
import { parseAddress } from '../../upload/exporters/address';
import { AGENT_PATH } from '../../upload/exporters/datadog-target';
import { datadogTargetOf, makeExporters, OTLP_HERE, PYROSCOPE_HERE } from '../../upload/exporters/make';
import { OTLP_PATH } from '../../upload/exporters/otlp';
import { proxyVariable } from '../../upload/proxy';
import type { Seed } from '../../upload/seed';
import type { ExporterName } from '../../upload/upload';
import { placeOf } from '../../upload/voice';
import { type Answered, ask, type Connected, connectTo, connectToSocket, type Unreached } from './reach';
import { type Finding, finding, type Part } from './report';

/** One receiver that uploads would go to. */
export interface ReceiverFact {
  exporter: ExporterName;
  /** In words. */
  destination: string;
  /** The URL that profiles are posted to, without a query, or `unix:` and a path. */
  address: string;
  reachable: boolean;
  /** What it said. */
  detail: string;
  /** Of an Agent that says so. */
  agentVersion?: string;
  /** The variable whose proxy requests go through. */
  proxy?: string;
}

/** Tries each receiver of the exporters that send. Nothing but a question is sent, and no key. */
export async function checkReceivers(
  seed: Seed,
  delivery: DeliveryConfiguration,
): Promise<Part<ReceiverFact[]>> {
  const { exporters, warnings } = makeExporters(seed, delivery);
  const findings: Finding[] = warnings.map((text) =>
    text.startsWith('nothing is sent by the exporter')
      ? finding('failure', text.split(/[ :]/)[6] ?? 'exporters', `${text.replace(/^n/, 'N')}`)
      : finding('warning', 'exporters', text),
  );
  const parts = await Promise.all(
    exporters.map((exporter) => {
      const place = placeOf(exporter);
      switch (exporter.name) {
        case 'datadog':
          return checkDatadog(place, seed, delivery);
        case 'pyroscope':
          return checkPyroscope(place, delivery);
        default:
          return checkOtlp(place, delivery);
      }
    }),
  );
  return {
    facts: parts.map(({ facts }) => facts),
    findings: [...findings, ...parts.flatMap((part) => part.findings)],
  };
}

async function checkDatadog(
  destination: string,
  seed: Seed,
  delivery: DeliveryConfiguration,
): Promise<Part<ReceiverFact>> {
  const { target } = datadogTargetOf(seed, delivery);
  const { url: text, ...way } = target.address();
  const { socketPath } = way;
  const url = new URL(text);
  const address = socketPath === undefined ? publicAddress(text) : `unix:${socketPath}`;
  const fact = { exporter: 'datadog' as const, destination, address };
  if (target.apiKey !== undefined) {
    const reached = await reach(url);
    return connected(fact, reached, url, 'Check DD_SITE, and that this machine may reach it.');
  }
  const info = new URL(url);
  info.pathname = info.pathname.replace(AGENT_PATH, '/info');
  const before = socketPath === undefined ? undefined : await connectToSocket(socketPath);
  if (before && !before.ok) return unreachedAgent(fact, before);
  const answer = await ask('get', info, way);
  if (!answer.ok) return unreachedAgent(fact, answer);
  return judgeAgent(fact, answer);
}

function judgeAgent(
  fact: Pick<ReceiverFact, 'exporter' | 'destination' | 'address'>,
  answer: Extract<Answered, { ok: true }>,
): Part<ReceiverFact> {
  const { version, endpoints } = infoOf(answer.body);
  const agentVersion = version ?? answer.headers['datadog-agent-version'];
  const common = { ...fact, ...(agentVersion === undefined ? {} : { agentVersion }) };
  if (answer.status !== 200 || endpoints === undefined) {
    const said = answer.status === 200 ? 'something that is no list of endpoints' : String(answer.status);
    const text = `${begin(fact.destination)} is reached, but answers GET /info with ${said}: it may be an old Agent, a gateway before one, or another server.`;
    const remedy = 'Check that it is a Datadog Agent of version 7.20 or later with APM on.';
    return {
      facts: { ...common, reachable: true, detail: `GET /info: ${said}` },
      findings: [finding('warning', 'datadog', text, remedy)],
    };
  }
  const named = agentVersion === undefined ? 'Agent' : `Agent ${agentVersion}`;
  if (!endpoints.includes(AGENT_PATH)) {
    const text = `${begin(fact.destination)} (${named}) answers, but does not take profiles: ${AGENT_PATH} is not among its endpoints.`;
    return {
      facts: { ...common, reachable: true, detail: 'it does not take profiles' },
      findings: [
        finding('failure', 'datadog', text, 'Update the Agent, or name another with DD_TRACE_AGENT_URL.'),
      ],
    };
  }
  return {
    facts: { ...common, reachable: true, detail: 'it takes profiles' },
    findings: [finding('ok', 'datadog', `${begin(fact.destination)} (${named}) answers and takes profiles.`)],
  };
}

function unreachedAgent(
  fact: Pick<ReceiverFact, 'exporter' | 'destination' | 'address'>,
  { code, reason }: Unreached,
): Part<ReceiverFact> {
  const remedies: Record<string, string> = {
    ECONNREFUSED:
      'Start the Agent with APM on, or name its address with DD_TRACE_AGENT_URL. In a container 127.0.0.1 is the container itself: set DD_AGENT_HOST to the host, or mount the socket of the Agent.',
    ENOENT:
      "Mount the folder of the Agent's socket, /var/run/datadog, or name its address with DD_TRACE_AGENT_URL.",
    EACCES:
      'Let this user write to the socket, or name the TCP address of the Agent with DD_TRACE_AGENT_URL.',
    ETIMEDOUT:
      'Check the address (DD_TRACE_AGENT_URL, DD_AGENT_HOST), firewalls and network policies, and in Kubernetes that the port of the Agent is open on the host.',
    ENOTFOUND: 'Check the name in DD_TRACE_AGENT_URL or DD_AGENT_HOST.',
    EAI_AGAIN: 'Check the name in DD_TRACE_AGENT_URL or DD_AGENT_HOST, and the name server.',
  };
  const remedy = remedies[code] ?? 'Check the address: DD_TRACE_AGENT_URL, DD_AGENT_HOST.';
  return failed(fact, 'datadog', reason, remedy);
}

async function checkPyroscope(
  destination: string,
  { pyroscopeUrl, pyroscopeToken, pyroscopeUser }: DeliveryConfiguration,
): Promise<Part<ReceiverFact>> {
  const { base } = parseAddress(pyroscopeUrl ?? PYROSCOPE_HERE, 'PYROSCOPE_SERVER_ADDRESS');
  const url = new URL(`${base}/ready`);
  const fact = { exporter: 'pyroscope' as const, destination, address: base };
  const answer = await ask('get', url);
  const proxy = proxyVariable(url);
  if (!answer.ok) {
    const remedy = 'Check that Pyroscope runs, and PYROSCOPE_SERVER_ADDRESS.';
    return failed(fact, 'pyroscope', answer.reason, remedy, proxy);
  }
  const { status } = answer;
  const facts = { ...fact, reachable: true, detail: `GET /ready: ${status}`, ...(proxy ? { proxy } : {}) };
  if (status === 200) {
    return { facts, findings: [finding('ok', 'pyroscope', `${begin(destination)} is ready.`)] };
  }
  if (status === 503) {
    const text = `${begin(destination)} answers that it is not ready (503).`;
    return {
      facts,
      findings: [finding('warning', 'pyroscope', text, 'Wait for it to start, and ask again.')],
    };
  }
  const hasCredentials =
    pyroscopeToken !== undefined || pyroscopeUser !== undefined || /\/\/[^/]*@/.test(pyroscopeUrl ?? '');
  const isClosed = status === 401 || status === 403;
  const remedy = hasCredentials
    ? 'The credentials were not sent, so they are not tried.'
    : 'If it asks for credentials, set PYROSCOPE_AUTH_TOKEN, or PYROSCOPE_BASIC_AUTH_USER and PYROSCOPE_BASIC_AUTH_PASSWORD.';
  const text = `${begin(destination)} is reached; it answers GET /ready with ${status}, as a gateway does.`;
  const state = isClosed && !hasCredentials ? 'warning' : 'ok';
  return { facts, findings: [finding(state, 'pyroscope', text, isClosed ? remedy : undefined)] };
}

async function checkOtlp(
  destination: string,
  { otlpUrl, otlpBaseUrl }: DeliveryConfiguration,
): Promise<Part<ReceiverFact>> {
  const { base } = parseAddress(otlpUrl ?? otlpBaseUrl ?? OTLP_HERE, 'OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT');
  const url = new URL(otlpUrl === undefined ? `${base}${OTLP_PATH}` : base);
  const fact = { exporter: 'otlp' as const, destination, address: url.href };
  const remedy =
    'Check that the receiver runs, and OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT. Everflame sends OTLP by HTTP, which is port 4318 of a collector and not 4317.';
  return connected(fact, await reach(url), url, remedy);
}

/** By a connection, or where there is a proxy by a question that goes through it. */
async function reach(url: URL): Promise<Connected> {
  if (proxyVariable(url) === undefined) return connectTo(url);
  const answer = await ask('head', url);
  return answer.ok ? { ok: true, detail: `HEAD: ${answer.status}` } : answer;
}

function connected(
  fact: Pick<ReceiverFact, 'exporter' | 'destination' | 'address'>,
  reached: Connected,
  url: URL,
  remedy: string,
): Part<ReceiverFact> {
  const proxy = proxyVariable(url);
  if (!reached.ok) return failed(fact, fact.exporter, reached.reason, remedy, proxy);
  const text = `${begin(fact.destination)} can be reached (${reached.detail}). Whether it takes profiles is not tried.`;
  return {
    facts: { ...fact, reachable: true, detail: reached.detail, ...(proxy ? { proxy } : {}) },
    findings: [finding('ok', fact.exporter, text)],
  };
}

function failed(
  fact: Pick<ReceiverFact, 'exporter' | 'destination' | 'address'>,
  id: string,
  reason: string,
  remedy: string,
  proxy?: string,
): Part<ReceiverFact> {
  const through = proxy ? ` Requests go through the proxy of ${proxy}, unless NO_PROXY names the host.` : '';
  return {
    facts: { ...fact, reachable: false, detail: reason, ...(proxy ? { proxy } : {}) },
    findings: [
      finding('failure', id, `${begin(fact.destination)} cannot be reached: ${reason}.${through}`, remedy),
    ],
  };
}

function infoOf(body: string): { version?: string; endpoints?: unknown[] } {
  try {
    const { version, endpoints } = JSON.parse(body) as { version?: unknown; endpoints?: unknown };
    return {
      ...(typeof version === 'string' ? { version } : {}),
      ...(Array.isArray(endpoints) ? { endpoints } : {}),
    };
  } catch {
    return {};
  }
}

function begin(text: string): string {
  return text.replace(/^./, (letter) => letter.toUpperCase());
}
