import { parsed, type Selection, type Store } from '../collector/store';
import { packageVersion } from '../package-root';
import type { ProfileEntry } from './answers';
import { type Columns, readContainer, writeContainer } from './container';
import { type Gathered, gather } from './gather';
import { makeStripping, type Stripping, WHOLE } from './strip';

/** Samples with their times: enough for some minutes of a busy thread, and half a megabyte in the file at most. */
const MOST_MOMENTS = 20_000;
/** Rows of the list of profiles. */
const MOST_PROFILES = 1000;
/** Points of a strip. */
const POINTS = 240;
const SECOND = 1000;

/** Letters that the samples of a report begin with. */
const MAGIC = 'EFR1';

/** What a report is made from, before it is put into a page. */
export interface Report {
  title: string;
  /** The samples and what is known of them. */
  samples: Buffer;
  /** As in docs/api.md, "A timeline"; without one where there are no samples with times. */
  timeline: Buffer | undefined;
  gathered: Gathered;
}

/** Asks a store for all that a report shows. Throws an EverflameError where there is nothing. */
export async function makeReport(
  store: Store,
  selection: Selection,
  isStripped: boolean,
  now = Date.now(),
): Promise<Report> {
  const stripping = isStripped ? makeStripping() : WHOLE;
  const gathered = await gather(store, selection, stripping);
  const { samples, types, processes, found, service, profiles } = gathered;
  const listed = await listedProfiles(store, selection, profiles.profiles.length);
  const heading = {
    version: 1,
    made: now,
    by: `everflame ${packageVersion()}`,
    isStripped,
    range: { from: selection.from, to: selection.to },
    where: selection.where.flatMap(({ key, values, negated }) =>
      values.map((value) => `${negated ? '!' : ''}${key}:${stripping.value(key, value)}`),
    ),
    service: { ...service, types },
    groups: processes.map(({ tags }, group) => ({ tags: tagsOf(tags, stripping), found: found[group] })),
    labels: samples.labels,
    frames: samples.frames,
    series: await seriesOf(store, selection, gathered),
    profiles: {
      profiles: listed.map((profile) => ({ ...profile, tags: tagsOf(profile.tags, stripping) })),
      more: Math.max(0, profiles.profiles.length + profiles.more - listed.length),
    },
  };
  const moments = readContainer('EFL1', await store.timeline(selection, { limit: MOST_MOMENTS }));
  const count = moments.columns.get('lane')?.length ?? 0;
  return {
    title: service.name,
    samples: writeContainer(MAGIC, { heading, columns: samples.columns() }),
    timeline:
      count === 0
        ? undefined
        : writeContainer('EFL1', {
            heading: strippedTimeline(moments.heading, stripping),
            columns: usedNodes(moments.columns),
          }),
    gathered,
  };
}

/** With the conditions on tags, as the page would ask for them. */
async function listedProfiles(store: Store, selection: Selection, all: number): Promise<ProfileEntry[]> {
  if (all === 0) return [];
  const { profiles } = await parsed<{ profiles: ProfileEntry[] }>(
    store.profiles(selection, { limit: MOST_PROFILES }),
  );
  return profiles;
}

/** One series for each type, over the whole range. */
async function seriesOf(store: Store, selection: Selection, { types }: Gathered): Promise<unknown[]> {
  const seconds = (selection.to - selection.from) / SECOND;
  const step = Math.max(1, Math.ceil(seconds / POINTS)) * SECOND;
  const series: unknown[] = [];
  for (const { name } of types)
    series.push(await parsed(store.series({ ...selection, type: name }, { step, limit: 1 })));
  return series;
}

function tagsOf(tags: Record<string, string>, stripping: Stripping): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, stripping.value(key, value)]));
}

interface TimelineHeading {
  lanes: { name: string; threadId: string; runtimeId: string; kind: string }[];
  frames: { file: string[] };
  labels: Record<string, string>[];
}

function strippedTimeline(heading: Record<string, unknown>, stripping: Stripping): Record<string, unknown> {
  const { lanes, frames, labels } = heading as unknown as TimelineHeading;
  return {
    ...heading,
    lanes: lanes.map((lane) => ({
      ...lane,
      name: stripping.value('thread name', lane.name),
      threadId: stripping.value('thread id', lane.threadId),
      runtimeId: stripping.value('runtime-id', lane.runtimeId),
    })),
    frames: { ...frames, file: frames.file.map((file) => stripping.file(file)) },
    labels: labels.map((set) => tagsOf(set, stripping)),
  };
}

/** The columns of a timeline without the stacks of samples that were left out. */
function usedNodes(columns: Columns): Columns {
  const [parent, frame, node] = ['parent', 'frame', 'node'].map((name) => columns.get(name)) as Uint32Array[];
  if (!parent || !frame || !node) return columns;
  const isUsed = new Uint8Array(parent.length);
  isUsed[0] = 1;
  for (const own of node) for (let at = own; !isUsed[at]; at = parent[at] as number) isUsed[at] = 1;
  let count = 0;
  const places = Uint32Array.from(isUsed, (used) => (used ? count++ : 0));
  const kept = (column: Uint32Array): Uint32Array => column.filter((_value, at) => isUsed[at] === 1);
  return new Map([
    ...columns,
    ['parent', kept(parent).map((above) => places[above] as number)],
    ['frame', kept(frame)],
    ['node', node.map((own) => places[own] as number)],
  ]);
}
