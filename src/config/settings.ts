/**
 * Every setting that sampling needs, in one table; what only delivery needs is in `delivery-settings.ts`, which the start of a
 * program does not load. The option names in code, the environment variables, the flags of `everflame run`, the checks,
 * `everflame doctor` and docs/configuration.md are all made from the two.
 */
import type { ExporterName } from '../upload/upload';

export type EngineName = 'auto' | 'perf' | 'ctimer' | 'tick' | 'itimer' | 'inspector';
export type SignalName = 'auto' | 'sigurg' | 'sigvtalrm' | 'sigstkflt' | 'sigpwr' | 'sigprof';
export type ToggleSignal = 'off' | 'sigusr1' | 'sigusr2';
export type SpoolMode = 'on' | 'off' | 'always';
export type LogLevel = 'off' | 'error' | 'warn' | 'info' | 'debug';

/** Settings after checking: what the profiler runs with. */
export interface Configuration {
  /** Whether the preload starts a profiler at all. */
  enabled: boolean;
  /** Path prefix of the files written, or undefined where nobody named one. */
  output: string | undefined;
  /** Where profiles go; empty for nowhere, undefined where nobody said. */
  exporters: readonly ExporterName[] | undefined;
  /** Seconds between two profiles. */
  period: number;
  /** Samples a second and thread, in hertz. */
  rate: number;
  engine: EngineName;
  /** The signal by which threads are interrupted. */
  signal: SignalName;
  /** Whether each sample carries the time at which it was taken. */
  timeline: boolean;
  /** Whether profiles have wall time, and whether they have CPU time. */
  wall: boolean;
  cpu: boolean;
  /** Whether frames are shown as source maps tell. */
  sourceMaps: boolean;
  /** Frames kept of one stack, counted from the leaf. */
  maxFrames: number;
  /** Whether frames of native code are part of a stack. */
  nativeFrames: boolean;
  /** Most memory the native sampler may hold, in bytes. */
  memoryCap: number;
  /** Seconds that the end of the process may take. */
  exitTimeout: number;
  /** Whether profiles that cannot be sent wait on disk. */
  spool: SpoolMode;
  spoolFolder: string | undefined;
  /** The signal by which profiling is switched on and off while the program runs. */
  toggleSignal: ToggleSignal;
  logLevel: LogLevel;
}

interface SettingBase<T> {
  /** Environment variables, the first one found set wins. */
  env: readonly string[];
  /** Those of them that stand for more than this setting, and give way to the others without a word. */
  general?: readonly string[];
  default: T;
  /** Flag of `everflame run`; the command hands the value on in the environment. */
  flag?: { name: string; argument?: string };
  /** False for settings that only make sense before any code runs. */
  option: boolean;
}

export interface BooleanSetting extends SettingBase<boolean> {
  type: 'boolean';
}

export interface NumberSetting extends SettingBase<number> {
  type: 'number' | 'integer' | 'bytes';
  minimum: number;
  maximum: number;
  unit: string;
  /** A number beyond a bound is brought back to the bound instead of to the default. */
  clamp?: boolean;
}

export interface ChoiceSetting<T extends string = string> extends SettingBase<T> {
  type: 'choice';
  choices: readonly T[];
}

export interface TextSetting extends SettingBase<string | undefined> {
  type: 'text';
  /** What it is, in words: `a path` where left out. */
  what?: string;
  /** What it looks like; any text but an empty one where left out. */
  form?: RegExp;
  /** A URL, or the host of one, beyond its form. */
  isUrl?: boolean;
  isHost?: boolean;
  /** Not to be shown or written anywhere. */
  secret?: boolean;
}

/** Some of several words, separated by commas in text. */
export interface ListSetting<T extends string = string> extends SettingBase<readonly T[] | undefined> {
  type: 'list';
  choices: readonly T[];
  /** Other words for them; `none` is the empty list. */
  aliases: Readonly<Record<string, T>>;
}

export type Setting = BooleanSetting | NumberSetting | ChoiceSetting | TextSetting | ListSetting;

/** A table of settings, by the names of their options. */
export type SettingsOf<Values> = { readonly [Name in keyof Values]-?: SettingOf<Values[Name]> };

type SettingOf<T> = [T] extends [boolean]
  ? BooleanSetting
  : [T] extends [number]
    ? NumberSetting
    : [T] extends [readonly ExporterName[] | undefined]
      ? ListSetting<ExporterName>
      : string extends T
        ? TextSetting
        : [T] extends [string]
          ? ChoiceSetting<T & string>
          : TextSetting;

export type SettingName = keyof Configuration;

const MEBIBYTE = 1024 * 1024;

export const settings: SettingsOf<Configuration> = {
  enabled: {
    type: 'boolean',
    env: ['DD_PROFILING_ENABLED', 'DD_EXPERIMENTAL_PROFILING_ENABLED'],
    default: true,
    option: false,
  },
  output: {
    type: 'text',
    env: ['DD_PROFILING_OUTPUT_PPROF'],
    default: undefined,
    option: true,
    flag: { name: 'output', argument: 'dir' },
  },
  exporters: {
    type: 'list',
    env: ['EVERFLAME_EXPORTERS', 'DD_PROFILING_EXPORTERS'],
    default: undefined,
    choices: ['datadog', 'pyroscope', 'otlp', 'file', 'local'],
    aliases: { agent: 'datadog' },
    option: true,
    flag: { name: 'exporters', argument: 'names' },
  },
  period: {
    type: 'number',
    env: ['DD_PROFILING_UPLOAD_INTERVAL', 'DD_PROFILING_UPLOAD_PERIOD'],
    default: 60,
    minimum: 0.1,
    maximum: 86_400,
    unit: 'seconds',
    option: true,
    flag: { name: 'period', argument: 'seconds' },
  },
  rate: {
    type: 'number',
    env: ['EVERFLAME_RATE'],
    default: 99,
    minimum: 1,
    maximum: 10_000,
    unit: 'hertz',
    option: true,
    flag: { name: 'rate', argument: 'hertz' },
  },
  engine: {
    type: 'choice',
    env: ['EVERFLAME_ENGINE'],
    default: 'auto',
    choices: ['auto', 'perf', 'ctimer', 'tick', 'itimer', 'inspector'],
    option: true,
    flag: { name: 'engine', argument: 'name' },
  },
  signal: {
    type: 'choice',
    env: ['EVERFLAME_SIGNAL'],
    default: 'auto',
    choices: ['auto', 'sigurg', 'sigvtalrm', 'sigstkflt', 'sigpwr', 'sigprof'],
    option: true,
  },
  timeline: {
    type: 'boolean',
    env: ['DD_PROFILING_TIMELINE_ENABLED', 'DD_PROFILING_EXPERIMENTAL_TIMELINE_ENABLED'],
    default: true,
    option: true,
    flag: { name: 'timeline' },
  },
  wall: {
    type: 'boolean',
    env: ['DD_PROFILING_WALLTIME_ENABLED', 'DD_PROFILING_STACK_ENABLED'],
    general: ['DD_PROFILING_STACK_ENABLED'],
    default: true,
    option: true,
    flag: { name: 'wall' },
  },
  cpu: {
    type: 'boolean',
    env: ['DD_PROFILING_CPU_ENABLED', 'DD_PROFILING_EXPERIMENTAL_CPU_ENABLED', 'DD_PROFILING_STACK_ENABLED'],
    general: ['DD_PROFILING_STACK_ENABLED'],
    default: true,
    option: true,
    flag: { name: 'cpu' },
  },
  sourceMaps: {
    type: 'boolean',
    env: ['DD_PROFILING_SOURCE_MAP'],
    default: true,
    option: true,
    flag: { name: 'source-maps' },
  },
  maxFrames: {
    type: 'integer',
    env: ['DD_PROFILING_MAX_FRAMES'],
    default: 512,
    minimum: 1,
    maximum: 599,
    unit: 'frames',
    clamp: true,
    option: true,
    flag: { name: 'max-frames', argument: 'number' },
  },
  nativeFrames: {
    type: 'boolean',
    env: ['DD_PROFILING_STACK_NATIVE_FRAMES'],
    default: true,
    option: true,
    flag: { name: 'native-frames' },
  },
  memoryCap: {
    type: 'bytes',
    env: ['EVERFLAME_MEMORY_CAP'],
    default: 64 * MEBIBYTE,
    minimum: 8 * MEBIBYTE,
    maximum: 2048 * MEBIBYTE,
    unit: 'bytes',
    option: true,
    flag: { name: 'memory-cap', argument: 'bytes' },
  },
  exitTimeout: {
    type: 'number',
    env: ['EVERFLAME_EXIT_TIMEOUT'],
    default: 2,
    minimum: 0,
    maximum: 60,
    unit: 'seconds',
    option: true,
  },
  spool: {
    type: 'choice',
    env: ['EVERFLAME_SPOOL'],
    default: 'on',
    choices: ['on', 'off', 'always'],
    option: true,
  },
  spoolFolder: {
    type: 'text',
    env: ['EVERFLAME_SPOOL_DIR'],
    default: undefined,
    option: true,
  },
  toggleSignal: {
    type: 'choice',
    env: ['EVERFLAME_TOGGLE_SIGNAL'],
    default: 'off',
    choices: ['off', 'sigusr1', 'sigusr2'],
    option: false,
  },
  logLevel: {
    type: 'choice',
    env: ['EVERFLAME_LOG_LEVEL'],
    default: 'warn',
    choices: ['off', 'error', 'warn', 'info', 'debug'],
    option: true,
    flag: { name: 'log-level', argument: 'level' },
  },
};

export const settingNames = Object.keys(settings) as SettingName[];
