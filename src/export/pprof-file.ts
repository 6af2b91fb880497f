import { gzipSync } from 'node:zlib';
import type { ValueType } from '../collector/services';
import type { Selection, Store } from '../collector/store';
import { decodeProfile } from '../upload/pprof/decode';
import { encodeProfile } from '../upload/pprof/encode';
import type { PprofProfile } from '../upload/pprof/model';
import type { Stripping } from './strip';

/** A selection as a pprof file, gzip: with these types, and without what is to be left out. */
export async function pprofFile(
  store: Store,
  { type: _wanted, ...selection }: Selection,
  types: readonly ValueType[],
  stripping: Stripping,
): Promise<Buffer> {
  const profile = await decodeProfile('what the store answers', await store.pprof(selection));
  const columns = types.map(({ name }) => profile.types.findIndex(({ type }) => type === name));
  return gzipSync(
    encodeProfile({
      source: stripped(profile, stripping),
      types: types.map(({ name, unit }) => ({ type: name, unit })),
      samples: profile.samples.map((sample) => ({
        ...sample,
        values: columns.map((column) => sample.values[column] ?? 0),
      })),
      labelSets: profile.labelSets.map((set) =>
        set.map((label) =>
          'text' in label ? { key: label.key, text: stripping.value(label.key, label.text) } : label,
        ),
      ),
      periodType: profile.periodType ?? { type: '', unit: '' },
      period: profile.period,
      start: profile.start,
      durationNanoseconds: profile.durationNanoseconds,
    }),
  );
}

function stripped(profile: PprofProfile, stripping: Stripping): PprofProfile {
  return {
    ...profile,
    functions: profile.functions.map((entry) => ({ ...entry, file: stripping.file(entry.file) })),
    mappings: profile.mappings.map((entry) => ({ ...entry, file: stripping.file(entry.file) })),
  };
}
