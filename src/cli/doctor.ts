import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Configuration, SettingName } from '../config/settings';
import { reasonOf } from '../log';
import { loadNative } from '../native';
import { isMangled, NOT_UTF8 } from '../output/odd-folder';
import { isAgent, noAgent } from '../upload/open-route';
import { AGENT_PORT, AGENT_SOCKET, isSent, type Route, settleRoute } from '../upload/route';
import { type Seed, seedOf } from '../upload/seed';
import { checkEngine, type EngineFacts } from './doctor/engine';
import { checkFolders, type FolderFact } from './doctor/folders';
import { checkIdentity, type IdentityFact } from './doctor/identity';
import { checkKernel, type KernelFact } from './doctor/kernel';
import { checkProgram, type ProgramFact } from './doctor/program';
import { ask } from './doctor/reach';
import { checkReceivers, type ReceiverFact } from './doctor/receivers';
import { attempt, type Finding, finding, type Part } from './doctor/report';
import { withoutSecrets } from './doctor/secrets';
import { checkSettings, type SettingFact } from './doctor/settings';
import { doctorText } from './doctor/text';
import { checkVariables, type VariableFact } from './doctor/variables';
import { type VersionFacts, versions } from './doctor/versions';

export interface DoctorOptions {
  json?: boolean;
}

/** What `--json` prints; docs/cli.md has the meaning of each key. */
export interface DoctorReport {
  /** Whether profiles can arrive. */
  ok: boolean;
  /** Findings that keep profiles from arriving, by id. */
  failures: string[];
  findings: Finding[];
  versions: VersionFacts;
  program: ProgramFact;
  engine: EngineFacts;
  kernel: KernelFact[];
  settings: SettingFact[];
  variables: VariableFact[];
  exporters: readonly string[];
  receivers: ReceiverFact[];
  folders: FolderFact[];
  identity: IdentityFact | null;
}

/** One part of the report, as it is printed. */
export interface Section {
  title: string;
  findings: Finding[];
}

/**
 * Looks for what keeps profiles from arriving, for a program that would be started here with this environment. Sends no profile and
 * no key. Returns what to print, and whether profiles can arrive.
 */
export async function doctor(
  command: readonly string[],
  options: DoctorOptions,
): Promise<{ text: string; ok: boolean }> {
  const environment = process.env;
  const place = assertWorkingDirectory();
  const program = checkProgram(command, environment);
  const settled = checkSettings(environment);
  const { configuration, delivery } = settled;
  const { node = process.execPath, script } = program.facts;
  const { timeline } = configuration;
  const engine = attempt<EngineFacts>(
    'engine',
    { native: { loaded: false }, rejected: [], features: [] },
    () => checkEngine(configuration, node, program.flags),
  );
  const listened = settleRoute(configuration, {}, environment, agentAnswers);
  const foreign = listened.isOpen && isSent(listened.exporters) ? await whyNoAgent() : undefined;
  const route = foreign === undefined ? listened : settleRoute(configuration, {}, environment, () => false);
  const seed: Seed = { ...seedOf('auto', route.exporters, undefined, {}, { timeline }), script };
  const receivers = attempt<ReceiverFact[]>('receivers', [], () => checkReceivers(seed, delivery));
  const kernel = await attempt<KernelFact[]>('kernel', [], checkKernel);
  const folders = await attempt<FolderFact[]>('folders', [], () =>
    checkFolders(configuration, route.exporters, isSent(route.exporters)),
  );
  const identity = await attempt<IdentityFact | null>('identity', null, () =>
    checkIdentity(seed, delivery, script !== undefined),
  );
  const variables = checkVariables(environment);
  const [engineDone, receiversDone] = [await engine, await receivers];
  const sections: Section[] = [
    { title: 'Engine', findings: engineDone.findings },
    { title: 'System', findings: kernel.findings },
    {
      title: 'Program',
      findings: [...place, ...enabled(configuration, settled.facts), ...program.findings],
    },
    { title: 'Settings', findings: [...settled.findings, ...variables.findings] },
    {
      title: 'Receivers',
      findings: [
        ...routeFindings(route, settled.facts, foreign),
        ...route.warnings
          .filter((text) => settled.findings.every((known) => known.text !== text))
          .map((text) =>
            finding(
              'warning',
              'route',
              text.replace(/^./, (letter) => letter.toUpperCase()),
            ),
          ),
        ...receiversDone.findings,
      ],
    },
    { title: 'Folders', findings: folders.findings },
    { title: 'Identity', findings: identity.findings },
  ];
  const findings = sections.flatMap((section) => section.findings);
  const failures = [...new Set(findings.filter(({ state }) => state === 'failure').map(({ id }) => id))];
  const report: DoctorReport = {
    ok: failures.length === 0,
    failures,
    findings,
    versions: versions(),
    program: program.facts,
    engine: engineDone.facts,
    kernel: kernel.facts,
    settings: settled.facts,
    variables: variables.facts,
    exporters: route.exporters,
    receivers: receiversDone.facts,
    folders: folders.facts,
    identity: identity.facts,
  };
  const shown = withoutSecrets({ report, sections }, environment);
  const text = options.json
    ? JSON.stringify(shown.report, null, 2)
    : doctorText(shown.report, shown.sections);
  return { text, ok: report.ok };
}

/** The rest goes on in another folder where the working directory is gone. */
function assertWorkingDirectory(): Finding[] {
  try {
    if (!isMangled(resolve('.'))) return [];
    const text = `${NOT_UTF8.replace(/^./, (letter) => letter.toUpperCase())}: no profile is written in it.`;
    const remedy = 'Name a folder with DD_PROFILING_OUTPUT_PPROF=<prefix>, by its whole path.';
    return [finding('warning', 'working-directory', text, remedy)];
  } catch (error) {
    process.chdir(tmpdir());
    const text = `The working directory is gone (${reasonOf(error)}), so no profiler starts in it.`;
    return [finding('failure', 'working-directory', text, 'Start from a folder that exists.')];
  }
}

function enabled(
  { enabled: isEnabled, toggleSignal, wall, cpu }: Configuration,
  settings: readonly SettingFact[],
): Finding[] {
  const findings: Finding[] = [];
  const originOf = (name: SettingName): string | undefined =>
    settings.find((setting) => setting.name === name)?.origin;
  if (!wall && !cpu) {
    const origins = [...new Set([originOf('wall'), originOf('cpu')])];
    const text = `Wall time and CPU time are both switched off, by ${origins.join(' and ')}, so nothing is profiled.`;
    const remedy = origins.includes('DD_PROFILING_PROFILERS')
      ? 'Add wall to DD_PROFILING_PROFILERS, or unset it.'
      : 'Set DD_PROFILING_WALLTIME_ENABLED or DD_PROFILING_CPU_ENABLED to true.';
    findings.push(finding('failure', 'types', text, remedy));
  }
  if (isEnabled) return findings;
  const text = `${originOf('enabled')} is off: everflame/auto does not profile, and everflame run neither.`;
  const isToggled = toggleSignal !== 'off';
  findings.push(
    isToggled
      ? finding('warning', 'enabled', `${text} ${toggleSignal.toUpperCase()} switches it on.`)
      : finding('failure', 'enabled', text, 'Set DD_PROFILING_ENABLED=true.'),
  );
  return findings;
}

/** As a profiler that starts here asks it. */
function agentAnswers(): boolean {
  if (existsSync(AGENT_SOCKET)) return true;
  const native = loadNative();
  return native.ok && native.binding.portAccepts(AGENT_PORT);
}

/** Why what listens on the port of Agents is none; undefined where it is one. As the delivery thread asks it. */
async function whyNoAgent(): Promise<string | undefined> {
  if (existsSync(AGENT_SOCKET)) return undefined;
  const answer = await ask('get', new URL(`http://127.0.0.1:${AGENT_PORT}/info`));
  if (!answer.ok) return noAgent(`GET /info: ${answer.reason}`);
  return isAgent(answer) ? undefined : noAgent(`it answers GET /info with ${answer.status}`);
}

/** Settings that name a receiver where no exporter is named. */
const NAMING: readonly string[] = ['url', 'agentHost', 'agentPort', 'agentless', 'pyroscopeUrl', 'otlpUrl'];

function routeFindings(
  { exporters, isOpen }: Route,
  settings: SettingFact[],
  foreign: string | undefined,
): Part<unknown>['findings'] {
  const originOf = (name: string): string | undefined => {
    const { origin, value } = settings.find((setting) => setting.name === name) ?? {};
    // What is switched off names nobody.
    return origin === 'default' || value === 'false' ? undefined : origin;
  };
  const names = exporters.join(', ');
  if (exporters.length === 0) {
    const text = `Profiles go nowhere: ${originOf('exporters')} is none. Only flush() and stop() in code hand them out.`;
    return [finding('failure', 'exporters', text, 'Name an exporter, or unset the variable.')];
  }
  if (isOpen) {
    // Without the native sampler nobody can ask a port without waiting.
    const asked = loadNative().ok ? '' : ' (only its socket is looked for without the native sampler)';
    const text =
      names === 'local'
        ? `Nothing says where profiles go, and ${foreign ?? `no Datadog Agent answers here${asked}`}: they are kept in the inbox, and are not sent.`
        : 'Nothing says where profiles go, and a Datadog Agent answers here: it gets them.';
    const remedy =
      'To send them, set DD_TRACE_AGENT_URL, PYROSCOPE_SERVER_ADDRESS or OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT.';
    return [
      names === 'local' ? finding('note', 'exporters', text, remedy) : finding('ok', 'exporters', text),
    ];
  }
  const named = originOf('exporters') ?? originOf('output');
  const by = named ?? NAMING.map(originOf).filter(Boolean).join(', ');
  return [finding('ok', 'exporters', `Profiles go to ${names}${by === '' ? '' : `, by ${by}`}.`)];
}
