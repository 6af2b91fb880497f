import { ProfileBuilder } from '../inspector/builder';
import { type FileFacts, startOf } from './file-time';
import { isNumber, isObject, type JsonObject } from './json';
import { IMPORT_LIMITS } from './limits';
import { NotImportable, shown } from './not-importable';
import { type Part, Pieces, packed } from './pieces';
import { readEvents } from './speedscope-events';
import { SpeedscopeFrames } from './speedscope-frames';
import { readSamples } from './speedscope-samples';
import { WholeNumbers } from './whole-numbers';

const MOST_PIECES = 60;

/** By its unit: what a value is here, and how many of that one is. */
const UNITS: ReadonlyMap<string, { name: string; type: string; unit: string; factor: number }> = new Map(
  [
    { name: 'nanoseconds', type: 'wall', unit: 'nanoseconds', factor: 1 },
    { name: 'microseconds', type: 'wall', unit: 'nanoseconds', factor: 1e3 },
    { name: 'milliseconds', type: 'wall', unit: 'nanoseconds', factor: 1e6 },
    { name: 'seconds', type: 'wall', unit: 'nanoseconds', factor: 1e9 },
    { name: 'bytes', type: 'bytes', unit: 'bytes', factor: 1 },
    { name: 'none', type: 'sample', unit: 'count', factor: 1 },
  ].map((unit) => [unit.name, unit]),
);

/** A stack and how much was spent on it, one after the other. Frames are places in the shared table, the outermost first. */
export interface Run {
  stack: readonly number[];
  /** Of the profile's unit, after its beginning. */
  from: number;
  to: number;
}

/** A profile of the file. `where` names it in messages. */
export interface Section {
  where: string;
  /** At which its values begin to count. */
  start: number;
  end: number;
  frames: SpeedscopeFrames;
  profile: JsonObject;
}

/** How `everflame export --speedscope` names itself: its profiles are sums of one kind of value each, and no threads. */
const OWN_EXPORTER = /^everflame /;

/**
 * speedscope's JSON (https://www.speedscope.app/file-format-schema.json). Each profile in it is a thread here. Of units of time
 * there is a timeline; bytes and bare weights have none, nor have the sums that this profiler has exported.
 */
export function importSpeedscope(file: JsonObject, facts: FileFacts): Part[] {
  const { shared, profiles } = file;
  if (!isObject(shared) || !Array.isArray(shared.frames))
    throw new NotImportable('it has no list shared.frames');
  if (!Array.isArray(profiles) || profiles.length === 0) throw new NotImportable('it has no profiles');
  if (profiles.length > IMPORT_LIMITS.profiles)
    throw new NotImportable(`it has ${profiles.length} profiles, more than ${IMPORT_LIMITS.profiles}`);
  const frames = new SpeedscopeFrames(shared.frames);
  const isOwn = OWN_EXPORTER.test(String(file.exporter));
  const most = Math.max(1, Math.floor(MOST_PIECES / profiles.length));
  const parts = profiles.flatMap((profile: unknown, index) =>
    importSection(profile, index, profiles.length, { frames, facts, most, isOwn }),
  );
  if (parts.length === 0) throw new NotImportable('none of its profiles has a value');
  return parts;
}

function importSection(
  profile: unknown,
  index: number,
  count: number,
  {
    frames,
    facts,
    most,
    isOwn,
  }: { frames: SpeedscopeFrames; facts: FileFacts; most: number; isOwn: boolean },
): Part[] {
  const where = `profile ${index + 1} of ${count}`;
  if (!isObject(profile)) throw new NotImportable(`${where} is no object`);
  const { type, name, unit, startValue = 0, endValue = startValue } = profile;
  const known = UNITS.get(String(unit));
  if (!known)
    throw new NotImportable(
      `${where} has the unit ${shown(unit)}, which is none of ${[...UNITS.keys()].join(', ')}`,
    );
  if (!isNumber(startValue) || !isNumber(endValue) || endValue < startValue)
    throw new NotImportable(`${where} goes from ${shown(startValue)} to ${shown(endValue)}`);
  const section = { where, start: startValue, end: endValue, frames, profile };
  const runs =
    type === 'evented' ? readEvents(section) : type === 'sampled' ? readSamples(section) : undefined;
  if (!runs)
    throw new NotImportable(`${where} is of the type ${shown(type)}, which is neither evented nor sampled`);
  const called = typeof name === 'string' && name.trim() !== '' ? name : undefined;
  const labels = isOwn ? [] : ([['thread name', called ?? `Profile ${index + 1}`]] as const);
  const types = [[isOwn && called ? called : known.type, known.unit]] as const;
  const numbered = (parts: Part[]): Part[] =>
    parts.map((part, place) => ({ ...part, name: `${known.type}.${index}.${place}.pprof` }));
  const { factor } = known;
  if (known.type !== 'wall' || isOwn) {
    const builder = new ProfileBuilder(types);
    const whole = new WholeNumbers(known.unit);
    for (const { stack, from, to } of runs) {
      const value = whole.next((to - from) * factor);
      if (value > 0) builder.add(frames.locate(builder, stack), [value], labels);
    }
    const start = startOf(facts.modified, 0, 0);
    return builder.sampleCount === 0 ? [] : numbered([{ name: '', data: packed(builder, start, 0, 0) }]);
  }
  const length = Math.round(Math.max(endValue - startValue, runs.at(-1)?.to ?? 0) * factor);
  const start = startOf(facts.modified, length, (startValue * factor) / 1e6);
  const pieces = new Pieces('wall', types, start, length, most);
  for (const { stack, from, to } of runs) {
    const [begun, ended] = [Math.round(from * factor), Math.round(to * factor)];
    if (ended === begun) continue;
    pieces.add({
      from: begun,
      to: ended,
      labels,
      locate: (builder) => frames.locate(builder, stack),
      values: (nanoseconds) => [nanoseconds],
    });
  }
  return numbered(pieces.finish());
}
