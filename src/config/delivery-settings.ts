/**
 * Every setting that only delivery needs. With `settings.ts` the whole table; a file of its own, because the start of a program
 * needs none of these.
 */
import type { SettingsOf } from './settings';

/** Settings of delivery after checking. */
export interface DeliveryConfiguration {
  service: string | undefined;
  env: string | undefined;
  version: string | undefined;
  /** Tags as text; an object in code is read by `tags.ts`. */
  tags: string | undefined;
  profilingTags: string | undefined;
  /** URL of the Datadog Agent. */
  url: string | undefined;
  agentHost: string | undefined;
  agentPort: number;
  apiKey: string | undefined;
  site: string;
  agentless: boolean;
  /** Milliseconds of one attempt to upload. */
  uploadTimeout: number;
  /** Milliseconds in which an upload is tried again before it waits in the spool. */
  retryTime: number;
  /** Bytes. */
  spoolSize: number;
  /** Seconds. */
  spoolAge: number;
  codeProvenance: boolean;
  gitMetadata: boolean;
  gitRepositoryUrl: string | undefined;
  gitCommitSha: string | undefined;
  gitPropertiesFile: string | undefined;
  gitFolder: string | undefined;
  mainPackage: string | undefined;
  reportHostname: boolean;
  processTags: boolean;
  externalEnv: string | undefined;
  functionName: string | undefined;
  pyroscopeUrl: string | undefined;
  pyroscopeToken: string | undefined;
  pyroscopeUser: string | undefined;
  pyroscopePassword: string | undefined;
  pyroscopeTenant: string | undefined;
  otlpUrl: string | undefined;
  otlpBaseUrl: string | undefined;
  otlpHeaders: string | undefined;
  otlpTimeline: boolean;
}

export type DeliverySettingName = keyof DeliveryConfiguration;

const MEBIBYTE = 1024 * 1024;
/** Node.js and the kernel both take a URL's text as bytes of ASCII. */
const HTTP_URL = /^https?:\/\/[^\s/?#]+[^\s]*$/i;
const AGENT_URL = /^(https?:\/\/[^\s/?#]+[^\s]*|unix:\/\/?.*[^/].*)$/i;
/** What a header may hold: visible characters of ASCII (RFC 9110, section 5.5). */
const HEADER_WORD = /^[\x21-\x7e]+$/;

export const deliverySettings: SettingsOf<DeliveryConfiguration> = {
  service: {
    type: 'text',
    env: ['DD_SERVICE', 'OTEL_SERVICE_NAME', 'PYROSCOPE_APPLICATION_NAME'],
    default: undefined,
    what: 'a name',
    option: true,
  },
  env: {
    type: 'text',
    env: ['DD_ENV'],
    default: undefined,
    what: 'a name',
    option: true,
  },
  version: {
    type: 'text',
    env: ['DD_VERSION'],
    default: undefined,
    what: 'a name',
    option: true,
  },
  tags: {
    type: 'text',
    env: ['DD_TAGS'],
    default: undefined,
    what: 'tags as key:value, separated by commas',
    option: true,
  },
  profilingTags: {
    type: 'text',
    env: ['DD_PROFILING_TAGS'],
    default: undefined,
    what: 'tags as key:value, separated by commas',
    option: false,
  },
  url: {
    type: 'text',
    env: ['DD_TRACE_AGENT_URL', 'DD_TRACE_URL'],
    default: undefined,
    what: 'a URL such as http://127.0.0.1:8126 or unix:///var/run/datadog/apm.socket',
    form: AGENT_URL,
    isUrl: true,
    option: true,
  },
  agentHost: {
    type: 'text',
    env: ['DD_AGENT_HOST', 'DD_TRACE_AGENT_HOSTNAME'],
    default: undefined,
    what: 'the name or address of a host',
    form: /^[^\s/?#@]+$/,
    isHost: true,
    option: false,
  },
  agentPort: {
    type: 'integer',
    env: ['DD_TRACE_AGENT_PORT', 'DD_AGENT_PORT'],
    default: 8126,
    minimum: 1,
    maximum: 65_535,
    unit: '',
    option: false,
  },
  apiKey: {
    type: 'text',
    env: ['DD_API_KEY', 'DD_PROFILING_API_KEY'],
    default: undefined,
    what: 'a key without spaces or line breaks',
    form: HEADER_WORD,
    secret: true,
    option: true,
  },
  site: {
    type: 'text',
    env: ['DD_SITE'],
    default: 'datadoghq.com',
    what: 'the name of a host',
    option: true,
  },
  agentless: {
    type: 'boolean',
    env: ['DD_PROFILING_AGENTLESS'],
    default: false,
    option: true,
  },
  uploadTimeout: {
    type: 'integer',
    env: ['DD_PROFILING_API_TIMEOUT_MS'],
    default: 10_000,
    minimum: 100,
    maximum: 600_000,
    unit: 'milliseconds',
    option: true,
  },
  retryTime: {
    type: 'integer',
    env: ['DD_PROFILING_UPLOAD_TIMEOUT'],
    default: 60_000,
    minimum: 0,
    maximum: 3_600_000,
    unit: 'milliseconds',
    option: true,
  },
  spoolSize: {
    type: 'bytes',
    env: ['EVERFLAME_SPOOL_SIZE'],
    default: 256 * MEBIBYTE,
    minimum: MEBIBYTE,
    maximum: 1024 * 1024 * MEBIBYTE,
    unit: 'bytes',
    option: true,
  },
  spoolAge: {
    type: 'integer',
    env: ['EVERFLAME_SPOOL_AGE'],
    default: 86_400,
    minimum: 60,
    maximum: 31_536_000,
    unit: 'seconds',
    option: true,
  },
  codeProvenance: {
    type: 'boolean',
    env: ['DD_PROFILING_ENABLE_CODE_PROVENANCE'],
    default: true,
    option: true,
  },
  gitMetadata: {
    type: 'boolean',
    env: ['DD_TRACE_GIT_METADATA_ENABLED'],
    default: true,
    option: true,
  },
  gitRepositoryUrl: {
    type: 'text',
    env: ['DD_GIT_REPOSITORY_URL'],
    default: undefined,
    what: 'the URL of a repository',
    option: false,
  },
  gitCommitSha: {
    type: 'text',
    env: ['DD_GIT_COMMIT_SHA'],
    default: undefined,
    what: 'a commit of 40 or 64 hexadecimal digits',
    option: false,
  },
  gitPropertiesFile: {
    type: 'text',
    env: ['DD_GIT_PROPERTIES_FILE'],
    default: undefined,
    option: false,
  },
  gitFolder: {
    type: 'text',
    env: ['DD_GIT_FOLDER_PATH'],
    default: undefined,
    option: false,
  },
  mainPackage: {
    type: 'text',
    env: ['DD_MAIN_PACKAGE'],
    default: undefined,
    what: 'the name of a package',
    option: false,
  },
  reportHostname: {
    type: 'boolean',
    env: ['DD_TRACE_REPORT_HOSTNAME'],
    default: false,
    option: true,
  },
  processTags: {
    type: 'boolean',
    env: ['DD_EXPERIMENTAL_PROPAGATE_PROCESS_TAGS_ENABLED'],
    default: true,
    option: false,
  },
  externalEnv: {
    type: 'text',
    env: ['DD_EXTERNAL_ENV'],
    default: undefined,
    what: 'text without line breaks',
    option: false,
  },
  functionName: {
    type: 'text',
    env: ['AWS_LAMBDA_FUNCTION_NAME'],
    default: undefined,
    what: 'a name',
    option: false,
  },
  pyroscopeUrl: {
    type: 'text',
    env: ['PYROSCOPE_ADHOC_SERVER_ADDRESS', 'PYROSCOPE_SERVER_ADDRESS'],
    // Pyroscope's own command sets the other one over it.
    general: ['PYROSCOPE_SERVER_ADDRESS'],
    default: undefined,
    what: 'a URL such as http://localhost:4040',
    form: HTTP_URL,
    isUrl: true,
    option: true,
  },
  pyroscopeToken: {
    type: 'text',
    env: ['PYROSCOPE_AUTH_TOKEN'],
    default: undefined,
    what: 'a token without spaces or line breaks',
    form: HEADER_WORD,
    secret: true,
    option: true,
  },
  pyroscopeUser: {
    type: 'text',
    env: ['PYROSCOPE_BASIC_AUTH_USER'],
    default: undefined,
    what: 'a name without a colon',
    form: /^[^:\r\n]+$/,
    option: true,
  },
  pyroscopePassword: {
    type: 'text',
    env: ['PYROSCOPE_BASIC_AUTH_PASSWORD'],
    default: undefined,
    what: 'a password without line breaks',
    form: /^[^\r\n]+$/,
    secret: true,
    option: true,
  },
  pyroscopeTenant: {
    type: 'text',
    env: ['PYROSCOPE_TENANT_ID'],
    default: undefined,
    what: "1 to 150 letters, digits and ! - _ . * ' ( )",
    form: /^[\w!.*'()-]{1,150}$/,
    option: true,
  },
  otlpUrl: {
    type: 'text',
    env: ['OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT'],
    default: undefined,
    what: 'a URL such as http://127.0.0.1:4318/v1development/profiles',
    form: HTTP_URL,
    isUrl: true,
    option: true,
  },
  otlpBaseUrl: {
    type: 'text',
    env: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    default: undefined,
    what: 'a URL such as http://127.0.0.1:4318',
    form: HTTP_URL,
    isUrl: true,
    option: false,
  },
  otlpHeaders: {
    type: 'text',
    env: ['OTEL_EXPORTER_OTLP_PROFILES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'],
    general: ['OTEL_EXPORTER_OTLP_HEADERS'],
    default: undefined,
    what: 'headers as name=value, separated by commas',
    secret: true,
    option: true,
  },
  otlpTimeline: {
    type: 'boolean',
    env: ['EVERFLAME_OTLP_TIMELINE'],
    default: false,
    option: true,
  },
};

export const deliverySettingNames = Object.keys(deliverySettings) as DeliverySettingName[];
