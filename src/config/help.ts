/** What each setting is for, in words: for documentation and help, which the start of a program needs neither of. */
import type { DeliverySettingName } from './delivery-settings';
import type { SettingName } from './settings';

export const settingHelp: Readonly<Record<SettingName | DeliverySettingName, string>> = {
  enabled:
    'Whether `everflame/auto` and `everflame run` profile. A `new Profiler()` in code does not look at it.',
  output:
    'Path prefix of the profiles: each is written as `<prefix>.<pid>.<number>.wall.pprof`, compressed with gzip. One that ends with a slash is a folder, and `profile` the name in it.',
  exporters:
    'Where profiles go, several separated by commas. `none`: they are only handed out by `flush()` and `stop()`.',
  period: 'Time between two profiles.',
  rate: 'Samples a second of each running thread.',
  engine:
    'What makes a running thread take a sample. A forced engine that cannot start is an error; the program runs on without a profiler.',
  signal:
    'The signal by which threads are interrupted. `auto` takes the first of the others that nobody handles. The itimer engine always uses SIGPROF.',
  timeline:
    'Whether each sample carries the time at which it was taken (label `end_timestamp_ns`). Off, equal samples are added up and the files are smaller.',
  wall: 'Whether profiles have wall time. Off, only samples of running threads are in them.',
  cpu: 'Whether profiles have CPU time. With neither nothing is profiled.',
  sourceMaps:
    'Whether frames have the file, the line and the function of the source that a source map tells of.',
  maxFrames:
    'Frames kept of one stack, counted from the leaf; the rest is marked as left out. The native sampler itself takes 487 from the leaf and up to 24 from the root. Beyond the range the nearest bound is used: receivers take 600 frames at most.',
  nativeFrames:
    'Whether frames of native code (Node itself, addons, system libraries) are part of a stack. Off, a stack without JavaScript is the one frame `(native)`.',
  memoryCap:
    'Most memory the sampler may hold; beyond it samples are dropped and counted. K, M and G may follow the number.',
  exitTimeout:
    'How long the end of the process may be held up by its last profile. What is not sent by then waits in the spool.',
  spool:
    'Whether profiles that cannot be sent wait on disk. `always`: each is there before it is sent, and once a second what there is of the current period, so that SIGKILL loses a second at most. `off`: they wait in memory, and are lost with the process; where a signal ends it before the delivery thread is up, which starts with the first turn of the event loop, so is the profile of that time.',
  spoolFolder: 'Folder in which they wait. Processes may share it.',
  toggleSignal:
    'The signal that switches profiling off and on again while the program runs, with `everflame/auto` and `everflame run`. With `DD_PROFILING_ENABLED=false` the program starts without a profiler, and the signal starts it. SIGUSR1 is otherwise the one that starts the debugger of Node.js.',
  logLevel: 'What Everflame itself says on standard error, or to the `logger` of a `new Profiler()`.',
  service: 'Name of the service.',
  env: 'Where the service runs, such as `prod`.',
  version: 'Version of the service.',
  tags: 'Tags of each profile, as `key:value,key:value`; in code also as an object. A tag that cannot be read is left out with one warning.',
  profilingTags: 'More tags; they win over those of `DD_TAGS`.',
  url: 'Where the Datadog Agent is. A path in it is kept.',
  agentHost: 'Host of the Datadog Agent, where its URL is not set.',
  agentPort: 'Port of the Datadog Agent, where its URL is not set.',
  apiKey: 'Key of Datadog, for uploads without an Agent.',
  site: 'Site of Datadog, for uploads without an Agent. Where it cannot be one nothing is sent, as no other may stand in for it.',
  agentless:
    'Whether `datadog` sends without an Agent, with `DD_API_KEY` to `DD_SITE`. The URL of an Agent wins.',
  uploadTimeout: 'How long one attempt to upload may take.',
  retryTime:
    'How long an upload that failed is tried again in pauses that double, from a second on; after that once a period. It waits in the spool from its first failure on.',
  spoolSize: 'Most that the folder may hold; the oldest go first, and are counted.',
  spoolAge: 'How long they wait; after that they are removed, and counted.',
  codeProvenance: 'Whether uploads tell which package each file is of, and which files are the own code.',
  gitMetadata: 'Whether uploads tell the git repository and the commit.',
  gitRepositoryUrl: 'The git repository. User and password are left out.',
  gitCommitSha: 'The commit that runs.',
  gitPropertiesFile: 'A file that the build has made, with `git.repository_url` and `git.commit.sha`.',
  gitFolder: 'The `.git` folder.',
  mainPackage: 'A package that counts as own code, though it is below `node_modules`.',
  reportHostname: 'Whether uploads to an Agent name the host. Without an Agent it is always named.',
  processTags:
    'Whether uploads to Datadog tell how the process was started: names of its script, its folders and its package.',
  externalEnv: "What the Agent's admission controller says of the container; handed on to the Agent.",
  functionName: 'Set by AWS Lambda; a tag of each profile.',
  pyroscopeUrl: 'Where Grafana Pyroscope is. Setting it makes `pyroscope` an exporter, where none is named.',
  pyroscopeToken: 'Bearer token for Pyroscope. It wins over user and password.',
  pyroscopeUser: 'User for Pyroscope, as in Grafana Cloud.',
  pyroscopePassword: 'Password of that user.',
  pyroscopeTenant: 'Tenant of Pyroscope (`X-Scope-OrgID`).',
  otlpUrl:
    'Where OTLP profiles are sent, as it is. Setting it makes `otlp` an exporter, where none is named.',
  otlpBaseUrl: 'Where OTLP is sent, without the path of profiles.',
  otlpHeaders: 'Headers of OTLP requests, such as `authorization=Bearer%20…`; values are percent-encoded.',
  otlpTimeline: 'Whether OTLP profiles carry the time of each sample. Not every receiver takes that.',
};

/** What a flag of `everflame run` is for, where it takes something else than its setting. */
export const flagHelp: Readonly<Partial<Record<SettingName, string>>> = {
  output:
    'Folder the profiles are written to, as <dir>/profile.<pid>.<number>.wall.pprof; they are sent as well only where --exporters says so. Without it, and where nothing else says where profiles go, a Datadog Agent of this machine gets them, and .everflame where none answers.',
};

/** The default of a setting in words, where the value does not speak for itself. */
export const defaultHelp: Readonly<Partial<Record<SettingName | DeliverySettingName, string>>> = {
  output: '`.everflame/profile`, where no receiver is found',
  exporters:
    'what the other settings name: `file` with an output, `pyroscope` with a server, `otlp` with an endpoint for profiles, `datadog` with the address of an Agent. With none of them, `datadog` where an Agent answers, else `local`',
  spoolFolder: '`everflame-<user number>/spool` in the directory for temporary files',
  service: 'the name in the package.json above the main script, else the name of the script',
  gitRepositoryUrl: 'from the tags, a `git.properties` file, `.git`, or package.json',
  gitCommitSha: 'as above',
  gitPropertiesFile: '`git.properties` in the working directory',
  gitFolder: 'the first `.git` from the main script upwards',
  pyroscopeUrl: '`http://localhost:4040`, where `pyroscope` is an exporter',
  otlpBaseUrl: '`http://127.0.0.1:4318`, where `otlp` is an exporter',
};
