import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import type { Frame, LoadedProfile, LoadedSample } from '#src/profile/model.js';
import { readProfile } from '#src/profile/read.js';

export { readProfile };

/** The comments of profiles, in their order. */
export function commentsOf(profiles: LoadedProfile[]): string[] {
  return profiles.flatMap(({ path }) => {
    const { comment, stringTable } = Profile.decode(gunzipSync(readFileSync(path)));
    return comment.map((id) => stringTable.strings[Number(id)] ?? '');
  });
}

/** Which samples to look at. */
export type Filter = (sample: LoadedSample) => boolean;

/** Keeps the samples with this value of a label. */
export function withLabel(key: string, value: string): Filter {
  return (sample) => sample.labels.get(key) === value;
}

/** Sum of one kind of value over profiles. Throws where one lacks it. */
export function total(profiles: LoadedProfile[], type: string, filter: Filter = () => true): number {
  return each(profiles, type, filter).reduce((sum, { value }) => sum + value, 0);
}

/** Sums of one kind of value by a label; samples without it are under the empty string. */
export function totalsByLabel(profiles: LoadedProfile[], type: string, key: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { sample, value } of each(profiles, type)) {
    const label = sample.labels.get(key) ?? '';
    sums.set(label, (sums.get(label) ?? 0) + value);
  }
  return sums;
}

/** Sums by whole stack, as `root;caller;leaf`. `show` turns a frame into text, by default its name. */
export function foldedStacks(
  profiles: LoadedProfile[],
  type: string,
  { filter, show = (frame) => frame.name }: { filter?: Filter; show?: (frame: Frame) => string } = {},
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { sample, value } of each(profiles, type, filter)) {
    const stack = sample.frames.map(show).reverse().join(';');
    sums.set(stack, (sums.get(stack) ?? 0) + value);
  }
  return sums;
}

/** The share (0 to 1) of one kind of value in stacks that hold a function, wherever in the stack. */
export function shareOf(
  profiles: LoadedProfile[],
  type: string,
  name: string | RegExp,
  filter?: Filter,
): number {
  const matches = (frame: Frame): boolean =>
    typeof name === 'string' ? frame.name === name : name.test(frame.name);
  const samples = each(profiles, type, filter);
  const all = samples.reduce((sum, { value }) => sum + value, 0);
  const inside = samples.filter(({ sample }) => sample.frames.some(matches));
  return all === 0 ? 0 : inside.reduce((sum, { value }) => sum + value, 0) / all;
}

/** Sums of one kind of value by executing line of a function, where it is the leaf. */
export function linesOf(profiles: LoadedProfile[], type: string, name: string): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { sample, value } of each(profiles, type)) {
    const [leaf] = sample.frames;
    if (leaf?.name === name) sums.set(leaf.line, (sums.get(leaf.line) ?? 0) + value);
  }
  return sums;
}

function each(
  profiles: LoadedProfile[],
  type: string,
  filter: Filter = () => true,
): { sample: LoadedSample; value: number }[] {
  return profiles.flatMap((profile) => {
    const index = profile.types.findIndex((candidate) => candidate.type === type);
    if (index < 0) throw new Error(`${profile.path} has no values of type ${type}`);
    return profile.samples.filter(filter).map((sample) => ({ sample, value: sample.values[index] ?? 0 }));
  });
}
