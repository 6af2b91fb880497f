import { ApiError } from '../api/client.js';
import { decodeTimeline } from '../api/decode-timeline.js';
import { parseCondition } from '../state/conditions.js';
import type { Contents } from './contents.js';
import { encodeContainer } from './encode.js';
import { testOf } from './pick.js';

/** What a lane is made from; the last is known of some samples only. */
const OF_LANES: ReadonlySet<string> = new Set(['thread name', 'thread id']);
const NOT_KNOWN = 'os thread id';

/**
 * Answers `/timeline`: all that the report has, or those of it that meet the conditions.
 * @throws {ApiError} where nothing tells which of the samples with their times meet them
 */
export function momentsOf(contents: Contents, bytes: ArrayBuffer, where: readonly string[]): ArrayBuffer {
  if (where.length === 0) return bytes;
  const holds = testOf(where);
  const { lanes, labels, frames, unit, from, to, omitted, parent, frame, ...samples } = decodeTimeline(bytes);
  const keys = where.flatMap((text) => parseCondition(text)?.key ?? []);
  const areTags = keys.some((key) => contents.groups.some(({ tags }) => tags.has(key)));
  const tags = lanes.map(({ runtimeId }) => {
    const { groups } = contents;
    const own =
      groups.length === 1 ? groups : groups.filter((group) => group.tags.get('runtime-id') === runtimeId);
    if (own.length !== 1 && areTags) throw notTold(keys);
    return own[0]?.tags;
  });
  if (keys.includes(NOT_KNOWN)) throw notTold(keys);
  const chosen: number[] = [];
  for (const [index, laneIndex] of samples.lane.entries()) {
    const lane = lanes[laneIndex] as (typeof lanes)[number];
    const ofLane = (key: string) => (key === 'thread name' ? lane.name : lane.threadId);
    const own = labels[samples.label[index] as number];
    if (holds((key) => (OF_LANES.has(key) ? ofLane(key) : own?.get(key)) || tags[laneIndex]?.get(key) || ''))
      chosen.push(index);
  }
  const whole = (column: Uint32Array) => Uint32Array.from(chosen, (index) => column[index] as number);
  const numbers = (column: Float64Array) => Float64Array.from(chosen, (index) => column[index] as number);
  const heading = {
    unit,
    from,
    to,
    omitted,
    damaged: 0,
    lanes,
    frames,
    labels: labels.map((set) => Object.fromEntries(set)),
  };
  return encodeContainer('EFL1', heading, [
    ['parent', parent],
    ['frame', frame],
    ['lane', whole(samples.lane)],
    ['node', whole(samples.node)],
    ['end', numbers(samples.end)],
    ['wall', numbers(samples.wall)],
    ['cpu', numbers(samples.cpu)],
    ['label', whole(samples.label)],
  ]);
}

function notTold(keys: readonly string[]): ApiError {
  return new ApiError(
    `The timeline of this report cannot be filtered by ${keys.join(' and ')}: its lanes are not told apart by that. Remove the filter to see all of it.`,
    400,
  );
}
