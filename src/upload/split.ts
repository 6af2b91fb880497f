import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type Label, Profile, type Sample, StringTable } from 'pprof-format';
import type { Attachment, Upload } from './upload';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/**
 * Divides an upload into so many of about the same size, a power of two: each sample is in one of them, so sums stay as they are.
 * Those of twice as many are halves of these. What is no profile goes with the first.
 */
export async function splitUpload(upload: Upload, pieces: number): Promise<Upload[]> {
  const parts: Attachment[][] = Array.from({ length: pieces }, () => []);
  for (const attachment of upload.attachments) {
    const { name, data } = attachment;
    if (!name.endsWith('.pprof')) parts[0]?.push(attachment);
    else {
      const profile = Profile.decode(await decompress(data));
      for (const [index, part] of parts.entries()) {
        const piece = pieceOf(profile, index, pieces);
        if (piece) part.push({ name, data: await compress(piece) });
      }
    }
  }
  return parts.filter((part) => part.length > 0).map((attachments) => ({ ...upload, attachments }));
}

/** One piece of a profile, without compression; undefined where it would be empty. */
function pieceOf(profile: Profile, index: number, pieces: number): Uint8Array | undefined {
  const { length } = profile.sample;
  const bound = (place: number): number => Math.floor((length * place) / pieces);
  const samples = profile.sample.slice(bound(index), bound(index + 1));
  return samples.length > 0 ? withOnly(profile, samples).encode() : undefined;
}

/** The profile with these samples, and what they need of the tables. */
function withOnly(profile: Profile, sample: Sample[]): Profile {
  const locations = idsOf(sample.flatMap(({ locationId }) => locationId));
  const location = profile.location.filter(({ id }) => locations.has(BigInt(id)));
  const lines = location.flatMap(({ line }) => line);
  const functions = idsOf(lines.map(({ functionId }) => functionId));
  const mappings = idsOf(location.map(({ mappingId }) => mappingId));
  const piece = new Profile({ ...profile, sample, location });
  piece.function = profile.function.filter(({ id }) => functions.has(BigInt(id)));
  piece.mapping = profile.mapping.filter(({ id }) => mappings.has(BigInt(id)));
  piece.stringTable = onlyUsed(profile.stringTable, textsOf(piece));
  return piece;
}

function idsOf(ids: (number | bigint)[]): Set<bigint> {
  return new Set(ids.map(BigInt));
}

/** Places of the texts that a profile has. */
function textsOf(profile: Profile): Set<number> {
  const labels: Label[] = profile.sample.flatMap(({ label }) => label);
  const types = [...profile.sampleType, ...(profile.periodType ? [profile.periodType] : [])];
  return new Set(
    [
      ...types.flatMap(({ type, unit }) => [type, unit]),
      ...labels.flatMap(({ key, str, numUnit }) => [key, str, numUnit]),
      ...profile.function.flatMap(({ name, systemName, filename }) => [name, systemName, filename]),
      ...profile.mapping.flatMap(({ filename, buildId }) => [filename, buildId]),
      ...profile.comment,
      profile.dropFrames,
      profile.keepFrames,
      profile.defaultSampleType,
    ].map(Number),
  );
}

/** The same table with empty texts in the places that are not needed: they take two bytes, and nothing compressed. */
function onlyUsed({ strings }: StringTable, used: Set<number>): StringTable {
  const table = new StringTable();
  table.strings = strings.map((text, place) => (used.has(place) ? text : ''));
  return table;
}
