import type { TimelineData } from '../../api/timeline.js';
import { NO_FRAME } from '../../api/tree.js';
import { formatValue } from '../../format/value.js';
import { timeOfDay } from './axis.js';
import type { Chosen } from './timeline-view.js';

/** What an event is called: its kind, or the frame it is filed under. */
export function eventName(data: TimelineData, sample: number): string {
  const frame = data.frame[data.node[sample] as number] as number;
  const labels = data.labels[data.label[sample] as number];
  return (
    labels?.get('event') ??
    (frame === NO_FRAME || frame === undefined ? 'event' : (data.frames.name[frame] as string))
  );
}

export interface SampleDetails {
  name: string;
  /** File with line. */
  place: string;
  lines: { name: string; value: string }[];
}

/** What is known of a sample or an event. */
export function sampleDetails(data: TimelineData, { lane, at, node }: Chosen): SampleDetails {
  const { samples } = lane;
  const sample = samples.sample[at] as number;
  const frame = data.frame[node] as number;
  const known = frame !== NO_FRAME;
  const line = known ? (data.frames.line[frame] as number) : 0;
  const file = known ? (data.frames.file[frame] as string) : '';
  const began = samples.start[at] as number;
  const labels = data.labels[data.label[sample] as number] ?? new Map<string, string>();
  const cpu = data.cpu[sample] as number;
  return {
    name: samples.events
      ? eventName(data, sample)
      : known
        ? (data.frames.name[frame] as string)
        : '(no stack)',
    place: line > 0 && file !== '' ? `${file}:${line}` : file,
    lines: [
      { name: 'lane', value: samples.lane.name },
      { name: samples.events ? 'began' : 'from', value: timeOfDay(data.from, began) },
      {
        name: samples.events ? 'took' : 'stands for',
        value: formatValue(data.wall[sample] as number, 'nanoseconds'),
      },
      ...(samples.events && cpu === 0 ? [] : [{ name: 'CPU', value: formatValue(cpu, 'nanoseconds') }]),
      ...Array.from(labels, ([name, value]) => ({ name, value })),
    ],
  };
}

/** A sample in one sentence, as a screen reader says it. */
export function spokenSample(data: TimelineData, chosen: Chosen): string {
  const { name, place, lines } = sampleDetails(data, chosen);
  return [name, ...(place ? [place] : []), ...lines.map((line) => `${line.name} ${line.value}`)].join(', ');
}
