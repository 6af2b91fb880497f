/**
 * Variables that Datadog's profilers read and that are no setting here: what each does. For docs/configuration.md and
 * `everflame doctor`; nothing that runs in a program loads it.
 */

/**
 * `honoured`: it has its meaning, beside the settings. `later`: what it belongs to is not part of this version. `none`: there is
 * nothing in Node.js, or nothing here, that it could change.
 */
export type Effect = 'honoured' | 'later' | 'none';

export interface ReferenceVariable {
  variable: string;
  effect: Effect;
  /** Why, and what to set in its place; whole sentences. */
  text: string;
}

/** What stands before the text, in words. */
export const EFFECTS: Readonly<Record<Effect, string>> = {
  honoured: 'read as there',
  later: 'no effect in this version',
  none: 'no meaning here',
};

const MEMORY = 'Everflame does not profile memory yet.';
const EXCEPTIONS = 'Everflame does not profile exceptions yet.';
const LOCKS = 'Everflame does not profile locks yet.';
const ADAPTIVE = 'The rate of samples does not adapt itself yet: EVERFLAME_RATE sets it.';
const TRACES = 'Profiles are not linked to traces yet.';
const THREADS = 'All threads are sampled, without a limit of their number.';
const TASKS = 'Asynchronous contexts are not sampled yet.';
const HEAP_LIMIT = `${MEMORY} Nothing watches for the end of the heap either.`;
const PYTORCH = 'It is for PyTorch, which Node.js does not have.';
const EXPERIMENTAL = 'An old name.';

const TABLE: readonly [variable: string, effect: Effect, text: string][] = [
  // What to profile.
  [
    'DD_PROFILING_PROFILERS',
    'honoured',
    `A list without \`wall\` and \`cpu\` switches off what DD_PROFILING_WALLTIME_ENABLED and DD_PROFILING_CPU_ENABLED do not switch on; \`space\` has no effect. ${MEMORY}`,
  ],
  ['_DD_PROFILING_STACK_MAX_THREADS', 'none', THREADS],
  ['_DD_PROFILING_STACK_MAX_TASKS', 'later', TASKS],
  [
    'DD_PROFILING_STACK_UVLOOP',
    'none',
    'It is for uvloop of Python. The event loop of Node.js is always in the profile.',
  ],
  ['_DD_PROFILING_STACK_FAST_COPY', 'none', 'It chooses how the memory of Python is read.'],
  [
    'DD_PROFILING_ENABLE_ASSERTS',
    'none',
    'It switches on checks of a lock profiler for its developers; there are none in a release.',
  ],
  [
    'DD_PROFILING_SAMPLE_POOL_CAPACITY',
    'none',
    'It sizes a pool of objects. The sampler has none; EVERFLAME_MEMORY_CAP limits its memory.',
  ],
  ['DD_PROFILING_ASYNC_CONTEXT_FRAME_ENABLED', 'later', TASKS],
  [
    'DD_PROFILING_V8_PROFILER_BUG_WORKAROUND',
    'none',
    "It works around a defect of V8's own profiler, which the native sampler does not use.",
  ],
  // How often.
  ['_DD_PROFILING_STACK_ADAPTIVE_SAMPLING_ENABLED', 'later', ADAPTIVE],
  ['_DD_PROFILING_STACK_ADAPTIVE_SAMPLING_TARGET_OVERHEAD', 'later', ADAPTIVE],
  ['_DD_PROFILING_STACK_ADAPTIVE_SAMPLING_MAX_INTERVAL_US', 'later', ADAPTIVE],
  ['_DD_PROFILING_STACK_ADAPTIVE_SAMPLING_BASELINE', 'later', ADAPTIVE],
  ['_DD_PROFILING_STACK_ADAPTIVE_SAMPLING_P_STABLE_WINDOW_S', 'later', ADAPTIVE],
  ['_DD_PROFILING_STACK_ADAPTIVE_SAMPLING_P_STABLE_PERCENTILE', 'later', ADAPTIVE],
  ['DD_PROFILING_MAX_TIME_USAGE_PCT', 'later', ADAPTIVE],
  // Memory.
  ['DD_PROFILING_MEMORY_ENABLED', 'later', MEMORY],
  ['DD_PROFILING_ALLOCATION_ENABLED', 'later', MEMORY],
  ['DD_PROFILING_HEAP_ENABLED', 'later', MEMORY],
  ['DD_PROFILING_HEAP_SAMPLE_SIZE', 'later', MEMORY],
  ['DD_PROFILING_HEAP_SAMPLING_INTERVAL', 'later', MEMORY],
  ['DD_PROFILING_NATIVE_HEAP_ENABLED', 'later', MEMORY],
  ['DD_PROFILING_MEMORY_EVENTS_BUFFER', 'later', MEMORY],
  ['DD_PROFILING_MEMORY_MEM_DOMAIN_ENABLED', 'none', "It is for the memory domains of Python's allocator."],
  ['DD_PROFILING_EXPERIMENTAL_OOM_MONITORING_ENABLED', 'later', HEAP_LIMIT],
  ['DD_PROFILING_EXPERIMENTAL_OOM_HEAP_LIMIT_EXTENSION_SIZE', 'later', HEAP_LIMIT],
  ['DD_PROFILING_EXPERIMENTAL_OOM_MAX_HEAP_EXTENSION_COUNT', 'later', HEAP_LIMIT],
  ['DD_PROFILING_EXPERIMENTAL_OOM_EXPORT_STRATEGIES', 'later', HEAP_LIMIT],
  // Locks and exceptions.
  ['DD_PROFILING_LOCK_ENABLED', 'later', LOCKS],
  ['DD_PROFILING_LOCK_EXCLUDE_MODULES', 'later', LOCKS],
  ['DD_PROFILING_CAPTURE_PCT', 'later', LOCKS],
  ['DD_PROFILING_LOCK_NAME_INSPECT_DIR', 'none', 'It looks for the name of a lock in Python objects.'],
  ['DD_PROFILING_EXCEPTION_ENABLED', 'later', EXCEPTIONS],
  ['DD_PROFILING_EXCEPTION_SAMPLING_INTERVAL', 'later', EXCEPTIONS],
  ['DD_PROFILING_EXCEPTION_COLLECT_MESSAGE', 'later', EXCEPTIONS],
  ['DD_PROFILING_PYTORCH_ENABLED', 'none', PYTORCH],
  ['DD_PROFILING_PYTORCH_EVENTS_LIMIT', 'none', PYTORCH],
  ['DD_PROFILING_PYTORCH_MAX_FRAMES', 'none', PYTORCH],
  // Traces and events.
  ['DD_PROFILING_ENDPOINT_COLLECTION_ENABLED', 'later', TRACES],
  ['DD_PROFILING_CODEHOTSPOTS_ENABLED', 'later', TRACES],
  [
    'DD_INTERNAL_PROFILING_TIMELINE_SAMPLING_ENABLED',
    'later',
    'It samples events of the runtime, which are not recorded yet.',
  ],
  // Source maps.
  [
    'DD_PROFILING_DEBUG_SOURCE_MAPS',
    'none',
    'What is wrong with a source map is said in one line; `metrics()` counts maps and frames.',
  ],
  // Where profiles go.
  [
    'DD_PROFILING_PPROF_PREFIX',
    'honoured',
    'With `file` among DD_PROFILING_EXPORTERS it is DD_PROFILING_OUTPUT_PPROF, which wins. Without, it has no effect.',
  ],
  [
    'DD_PROFILING_DEBUG_UPLOAD_COMPRESSION',
    'none',
    'Profiles are compressed with gzip, off the thread of the program.',
  ],
  [
    'DD_PROFILING_API_TIMEOUT',
    'none',
    'The reference reads it no longer either. Set DD_PROFILING_API_TIMEOUT_MS, in milliseconds.',
  ],
  [
    'DD_TRACE_AGENT_TIMEOUT_SECONDS',
    'none',
    'It is for traces. Set DD_PROFILING_API_TIMEOUT_MS, in milliseconds.',
  ],
  [
    'DD_PROFILING_API_URL',
    'none',
    'It was the address of an intake that Datadog has replaced. Set DD_TRACE_AGENT_URL, or DD_SITE for uploads without an Agent.',
  ],
  [
    'DD_AGENTLESS_ENABLED',
    'none',
    'It is for traces and tests. Set DD_PROFILING_AGENTLESS and DD_API_KEY for profiles without an Agent.',
  ],
  ['DD_PROFILING__FORCE_LEGACY_EXPORTER', 'none', 'There is one way of uploading to Datadog.'],
  ['DD_PROFILING_EXPORT_LIBDD_ENABLED', 'none', 'There is one way of uploading to Datadog.'],
  // Whether to profile.
  [
    'DD_INJECTION_ENABLED',
    'none',
    'Set DD_PROFILING_ENABLED. Everflame is not part of the injection of tracers.',
  ],
  [
    'DD_INTERNAL_PROFILING_LONG_LIVED_THRESHOLD',
    'none',
    'Profiling begins at the start: DD_PROFILING_ENABLED=auto is the same as true.',
  ],
  [
    'DD_PROFILING_IGNORE_PROFILER',
    'none',
    "The profiler's own threads are in the profile, under their own names.",
  ],
  ['DD_PROFILING_STACK_V2_ENABLED', 'none', 'There is one sampler of stacks.'],
  ['DD_PROFILING_MAX_EVENTS', 'none', 'EVERFLAME_MEMORY_CAP limits what is kept, in bytes.'],
  // Old names of the tracer.
  ['DD_PROFILING_EXPERIMENTAL_CODEHOTSPOTS_ENABLED', 'later', `${EXPERIMENTAL} ${TRACES}`],
  ['DD_PROFILING_EXPERIMENTAL_ENDPOINT_COLLECTION_ENABLED', 'later', `${EXPERIMENTAL} ${TRACES}`],
];

export const referenceVariables: readonly ReferenceVariable[] = TABLE.map(([variable, effect, text]) => ({
  variable,
  effect,
  text,
}));

/** What a variable that is no setting does; undefined where the reference has none of that name. */
export function referenceVariable(name: string): ReferenceVariable | undefined {
  return referenceVariables.find(({ variable }) => variable === name);
}
