import { malformed, tooLarge } from '../http/refusal';
import type { Limits } from '../limits';
import type { Upload } from '../store';
import { readEndpointCounts } from './endpoint-counts';
import { checkedName, Tags } from './tags';

/** Tags that differ from upload to upload: they would make each one a process of its own. */
const OF_THE_UPLOAD = ['snapshot', 'profile_seq', 'format'];
const NANOSECONDS = 1_000_000_000n;
const MIB = 1024 * 1024;
/** More than as many tags of full length; what is parsed becomes many times as large. */
const MOST_BYTES = 2 * MIB;

/** What is said of all profiles of an upload. */
export interface ToldByEvent {
  upload: Pick<Upload, 'service' | 'tags' | 'start' | 'end' | 'requests'>;
  /** Why counts of requests are left out, as a part of a sentence. */
  fault?: string;
}

/**
 * What `event.json` of an upload for Datadog says of its profiles: version 4, as dd-trace, ddtrace and everything on libdatadog
 * write it. Throws a Refusal for anything else; counts of requests that cannot be believed take nothing with them.
 */
export function readEvent(data: Buffer, limits: Limits): ToldByEvent {
  const event = parse(data);
  if (event.version !== '4') {
    const version = JSON.stringify(event.version ?? null).slice(0, 40);
    throw malformed(
      `event.json has the version ${version}, and "4" is read. Send with dd-trace 3 or newer, ddtrace 2 or newer, or libdatadog.`,
    );
  }
  const tags = new Tags(limits);
  if (typeof event.tags_profiler !== 'string') throw malformed('event.json has no tags_profiler. Send it.');
  for (const tag of event.tags_profiler.split(',')) {
    const colon = tag.indexOf(':');
    if (colon > 0) tags.add(tag.slice(0, colon).trim(), tag.slice(colon + 1).trim());
  }
  const { application, platform } = objectAt(event, 'info');
  const { service, env, version } = Object(application) as Record<string, unknown>;
  tags.add('env', textOf(env));
  tags.add('version', textOf(version));
  tags.add('host', textOf((Object(platform) as Record<string, unknown>).hostname));
  for (const key of OF_THE_UPLOAD) tags.take(key);
  const name = tags.take('service') ?? textOf(service) ?? '';
  const [start, end] = [timeAt(event, 'start'), timeAt(event, 'end')];
  if (end < start) throw malformed('event.json ends before it starts. Check the clock of the program.');
  const { requests, fault } = readEndpointCounts(event, limits);
  return {
    upload: {
      service: checkedName(name, 'the service', limits),
      tags: tags.all(),
      start,
      end,
      ...(requests ? { requests } : {}),
    },
    ...(fault ? { fault } : {}),
  };
}

function parse(data: Buffer): Record<string, unknown> {
  if (data.length > MOST_BYTES)
    throw tooLarge(`event.json has more than ${MOST_BYTES / MIB} MiB. Send fewer and shorter tags.`);
  try {
    const event: unknown = JSON.parse(data.toString());
    if (typeof event === 'object' && event !== null) return event as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw malformed('the part event.json is no JSON object. Send it as Datadog Agents take it.');
}

function objectAt(event: Record<string, unknown>, key: string): Record<string, unknown> {
  return Object(event[key]) as Record<string, unknown>;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** RFC 3339, in UTC or with an offset, with all digits of its fraction: nanoseconds since the epoch. */
function timeAt(event: Record<string, unknown>, key: 'start' | 'end'): bigint {
  const text = textOf(event[key]) ?? '';
  const found = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/i.exec(text);
  const seconds = found
    ? Date.parse(`${found[1]?.replace(/[t ]/, 'T')}${found[3]?.toUpperCase()}`)
    : Number.NaN;
  if (!found || Number.isNaN(seconds)) {
    throw malformed(`${key} of event.json is no time. Write it as 2026-11-22T10:00:00.000Z.`);
  }
  return (BigInt(seconds) / 1000n) * NANOSECONDS + BigInt((found[2] ?? '').padEnd(9, '0'));
}
