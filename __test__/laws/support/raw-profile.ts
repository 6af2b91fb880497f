import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

/** A frame of one sample as it stands in the file. */
export interface RawFrame {
  /** Empty where the file has no name, or no function at all: a reader of profiles would put something in its place. */
  name: string;
  file: string;
  line: number;
  startLine: number;
  /** Path of the binary, or an empty string. */
  module: string;
  /** Label `thread name` of the sample. */
  thread: string;
}

/** All frames of all samples of a profile. */
export function rawFrames(path: string): RawFrame[] {
  const profile = Profile.decode(gunzipSync(readFileSync(path)));
  const text = (index: number | bigint): string => profile.stringTable.strings[Number(index)] ?? '';
  const byId = <T extends { id: number | bigint }>(entries: T[]): Map<number, T> =>
    new Map(entries.map((entry) => [Number(entry.id), entry]));
  const functions = byId(profile.function);
  const mappings = byId(profile.mapping);
  const locations = new Map(
    profile.location.map(({ id, line: lines, mappingId }) => {
      const module = text(mappings.get(Number(mappingId))?.filename ?? 0);
      const known = lines.map(({ functionId, line }) => {
        const { name = 0, filename = 0, startLine = 0 } = functions.get(Number(functionId)) ?? {};
        return {
          name: text(name),
          file: text(filename),
          line: Number(line),
          startLine: Number(startLine),
          module,
        };
      });
      return [Number(id), known.length > 0 ? known : [{ name: '', file: '', line: 0, startLine: 0, module }]];
    }),
  );
  return profile.sample.flatMap(({ locationId, label }) => {
    const thread = text(label.find(({ key }) => text(key) === 'thread name')?.str ?? 0);
    return locationId.flatMap((id) =>
      (locations.get(Number(id)) ?? []).map((frame) => ({ ...frame, thread })),
    );
  });
}
