import { type LabelInput, ProfileBuilder } from '../inspector/builder';
import { CpuNodes } from './cpu-nodes';
import { type FileFacts, startOf } from './file-time';
import { isNumber, type JsonObject } from './json';
import { NotImportable, shown } from './not-importable';
import { type Part, Pieces, packed, type Types } from './pieces';
import { threadOfFile } from './thread-of-file';

const MICROSECOND = 1000;
const TYPES: Types = [
  ['sample', 'count'],
  ['wall', 'nanoseconds'],
  ['cpu', 'nanoseconds'],
];

/**
 * V8's `.cpuprofile` (Chrome DevTools Protocol, Profiler.Profile). A sample stands for the time until the next one, as in DevTools; the
 * time before the first is the first one's, so that the sum is the time of the whole profile. V8 measures no CPU time: all but `(idle)`
 * counts as such.
 */
export function importCpuProfile(profile: JsonObject, file: FileFacts): Part[] {
  const nodes = new CpuNodes(profile.nodes as unknown[]);
  const labels: LabelInput = [['thread name', threadOfFile(file.name)]];
  const { samples, timeDeltas, startTime, endTime } = profile;
  const begun = isNumber(startTime) ? startTime : 0;
  const duration = isNumber(endTime) ? endTime - begun : 0;
  if (samples === undefined || timeDeltas === undefined) {
    const length = Math.max(0, Math.round(duration * MICROSECOND));
    return countedParts(nodes, labels, startOf(file.modified, length, begun / 1000), length);
  }
  const { places, times } = readSamples(nodes, samples, timeDeltas);
  // Seen by the clock of the profile: what lies outside of its own beginning and end is in it all the same.
  const first = Math.min(0, times[0] as number);
  const last = Math.max(duration, times.at(-1) as number);
  const nanoseconds = (time: number): number => Math.round((time - first) * MICROSECOND);
  const total = nanoseconds(last);
  const start = startOf(file.modified, total, (begun + first) / 1000);
  const pieces = new Pieces('wall', TYPES, start, total);
  for (let index = 0; index < places.length; ) {
    const place = places[index] as number;
    const line = nodes.nextLine(place);
    const from = index === 0 ? 0 : nanoseconds(times[index] as number);
    let count = 0;
    // Neighbours that are the same are one.
    do {
      nodes.takeLine(place);
      index += 1;
      count += 1;
    } while (index < places.length && places[index] === place && nodes.nextLine(place) === line);
    const isIdle = nodes.isIdle(place);
    pieces.add({
      from,
      to: index < places.length ? nanoseconds(times[index] as number) : total,
      labels,
      locate: (builder) => nodes.stack(builder, place, line),
      values: (wall, isFirst) => [isFirst ? count : 0, wall, isIdle ? 0 : wall],
    });
  }
  return pieces.finish();
}

/** The samples in the order of their times, which are microseconds since the beginning. */
function readSamples(
  nodes: CpuNodes,
  samples: unknown,
  deltas: unknown,
): { places: number[]; times: number[] } {
  if (!Array.isArray(samples) || !Array.isArray(deltas))
    throw new NotImportable('its samples or timeDeltas are no list');
  if (samples.length !== deltas.length)
    throw new NotImportable(`it has ${samples.length} samples and ${deltas.length} timeDeltas`);
  if (samples.length === 0) throw new NotImportable('it has no samples');
  const taken: { place: number; time: number }[] = [];
  let time = 0;
  let isInOrder = true;
  samples.forEach((id, index) => {
    const place = nodes.placeOf(id);
    if (place === undefined)
      throw new NotImportable(
        `sample ${index + 1} of ${samples.length} is of node ${shown(id)}, which is not there`,
      );
    const delta: unknown = deltas[index];
    if (!isNumber(delta))
      throw new NotImportable(`the time of sample ${index + 1} of ${samples.length} is ${shown(delta)}`);
    time += delta;
    isInOrder &&= delta >= 0 || index === 0;
    taken.push({ place, time });
  });
  // V8 writes samples of two sources down as they come, some of them late.
  if (!isInOrder) taken.sort((a, b) => a.time - b.time);
  return { places: taken.map(({ place }) => place), times: taken.map((sample) => sample.time) };
}

/** Of a profile without samples, what V8 has counted: how often each node was the leaf. */
function countedParts(nodes: CpuNodes, labels: LabelInput, start: bigint, duration: number): Part[] {
  const builder = new ProfileBuilder([['sample', 'count']]);
  for (let place = 0; place < nodes.count; place++) {
    const hits = nodes.hitsOf(place);
    if (hits > 0) builder.add(nodes.stack(builder, place, nodes.nextLine(place)), [hits], labels);
  }
  if (builder.sampleCount === 0)
    throw new NotImportable('it has no samples and timeDeltas, and no node has a hitCount');
  return [{ name: 'wall.pprof', data: packed(builder, start, duration, 0) }];
}
