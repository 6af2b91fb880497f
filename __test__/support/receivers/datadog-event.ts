/** The fields of `event.json` that tests look at; the rest is checked and left as it is. */
export interface DatadogEvent {
  version: string;
  family: string;
  start: string;
  end: string;
  attachments: string[];
  tags_profiler: string;
  endpoint_counts?: Record<string, number> | null;
  custom_attributes?: string[];
  process_tags?: string | null;
  info?: Record<string, Record<string, unknown>>;
  internal?: Record<string, unknown>;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

/** Tags without which a profile cannot be found, or be told apart from others. */
const REQUIRED_TAGS = [
  'language',
  'runtime',
  'runtime_arch',
  'runtime_os',
  'runtime_version',
  'process_id',
  'profiler_version',
  'format',
  'service',
  'runtime-id',
  'snapshot',
  'profile_seq',
];

/** By field: what it has to be. */
const FIELDS: Record<string, (value: unknown) => boolean> = {
  version: (value) => value === '4',
  family: (value) => value === 'node',
  start: (value) => typeof value === 'string' && TIME.test(value),
  end: (value) => typeof value === 'string' && TIME.test(value),
  attachments: isTexts,
  tags_profiler: (value) => typeof value === 'string',
  endpoint_counts: (value) => value === undefined || value === null || isCounts(value),
  custom_attributes: (value) => value === undefined || isTexts(value),
  process_tags: (value) => value === undefined || value === null || isSortedTags(value),
  info: (value) => value === undefined || isObject(value),
  internal: (value) => value === undefined || isObject(value),
};

/** Checks an event against the parts that came with it; undefined where it is none. */
export function checkEvent(
  data: Buffer,
  parts: string[],
  violations: string[],
): { event: DatadogEvent; tags: Map<string, string> } | undefined {
  let event: DatadogEvent;
  try {
    event = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)) as DatadogEvent;
  } catch (error) {
    violations.push(`the event is no JSON: ${error}`);
    return undefined;
  }
  const fields = event as unknown as Record<string, unknown>;
  for (const [name, isRight] of Object.entries(FIELDS)) {
    if (!isRight(fields[name])) violations.push(`the event's ${name} is ${JSON.stringify(fields[name])}`);
  }
  for (const name of Object.keys(fields)) {
    if (!(name in FIELDS)) violations.push(`the event has ${name}, which nobody knows`);
  }
  if (Date.parse(event.start) > Date.parse(event.end)) violations.push('the event ends before it starts');
  if (JSON.stringify(event.attachments) !== JSON.stringify(parts)) {
    violations.push(`the event lists ${event.attachments} and the parts are ${parts}`);
  }
  return { event, tags: checkTags(String(event.tags_profiler), violations) };
}

/** The tags by key. A receiver refuses all for one that is empty or begins or ends with a colon. */
export function checkTags(text: string, violations: string[]): Map<string, string> {
  const tags = new Map<string, string>();
  for (const tag of text.split(',')) {
    const colon = tag.indexOf(':');
    if (tag.trim() === '') violations.push('a tag is empty');
    else if (colon <= 0 || tag.endsWith(':')) violations.push(`"${tag}" is no tag`);
    const key = tag.slice(0, colon);
    if (tags.has(key)) violations.push(`the tag ${key} is there twice`);
    tags.set(key, tag.slice(colon + 1));
  }
  for (const key of REQUIRED_TAGS) if (!tags.has(key)) violations.push(`the tag ${key} is missing`);
  const fixed = { language: 'javascript', runtime: 'nodejs', format: 'pprof' };
  for (const [key, value] of Object.entries(fixed)) {
    if (tags.get(key) !== value) violations.push(`the tag ${key} is ${tags.get(key)}`);
  }
  if (!/^v\d+\.\d+\.\d+/.test(tags.get('runtime_version') ?? '')) violations.push('runtime_version has no v');
  if (!/^\d+$/.test(tags.get('profile_seq') ?? '')) violations.push('profile_seq is no number');
  if (!/^(periodic|on_shutdown|on_oom)$/.test(tags.get('snapshot') ?? '')) {
    violations.push(`the tag snapshot is ${tags.get('snapshot')}`);
  }
  return tags;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
}

function isCounts(value: unknown): boolean {
  return isObject(value) && Object.values(value as object).every((count) => Number.isSafeInteger(count));
}

function isSortedTags(value: unknown): boolean {
  if (typeof value !== 'string' || value === '') return false;
  const tags = value.split(',');
  return tags.every((tag) => /^[^:]+:[^:]+$/.test(tag)) && tags.join() === [...tags].sort().join();
}
