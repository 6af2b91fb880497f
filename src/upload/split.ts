import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Profile, type Sample, StringTable, type ValueType, type ValueTypeInput } from 'pprof-format';
import type { Attachment, Upload } from './upload';

/** A number as the decoder gives it. */
type Numeric = number | bigint;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/**
 * Divides an upload into so many of about the same size, a power of two: each sample is in one of them, so sums stay as they are.
 * Those of twice as many are halves of these. What is no profile goes with the first, and so do counts of requests, which receivers add up.
 * Returns them by their places from 0 on: by it a receiver's half is known for that of these quarters. One that is empty is left out.
 */
export async function splitUpload(upload: Upload, pieces: number): Promise<Map<number, Upload>> {
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
  const { endpointCounts, ...rest } = upload;
  const filled = [...parts.entries()].filter(([, attachments]) => attachments.length > 0);
  return new Map(
    filled.map(([place, attachments], index) => [
      place,
      { ...rest, attachments, ...(index === 0 && endpointCounts ? { endpointCounts } : {}) },
    ]),
  );
}

/** One piece of a profile, without compression; undefined where it would be empty. */
function pieceOf(profile: Profile, index: number, pieces: number): Uint8Array | undefined {
  const { length } = profile.sample;
  const bound = (place: number): number => Math.floor((length * place) / pieces);
  const samples = profile.sample.slice(bound(index), bound(index + 1));
  if (samples.length === 0) return undefined;
  const isFirst = bound(index) === 0;
  const comment = profile.comment.filter((place) => isFirst || !isSeries(profile, place));
  return withOnly(profile, samples, comment).encode();
}

/** Whether a comment has the period's series (docs/runtime-metrics.md), of which receivers add up the active times. */
function isSeries({ stringTable }: Profile, place: Numeric): boolean {
  return (stringTable.strings[Number(place)] ?? '').startsWith('everflame.metrics:');
}

/** The profile with these samples and comments, and what they need of the tables. */
function withOnly(profile: Profile, sample: Sample[], comment: Numeric[]): Profile {
  const locations = idsOf(sample.flatMap(({ locationId }) => locationId));
  const location = profile.location.filter(({ id }) => locations.has(BigInt(id)));
  const functions = idsOf(location.flatMap(({ line }) => line.map(({ functionId }) => functionId)));
  const mappings = idsOf(location.map(({ mappingId }) => mappingId));
  // Texts get new places: the encoder writes those that were put into the table one by one, and no others.
  const stringTable = new StringTable();
  const { strings } = profile.stringTable;
  const text = (place: Numeric): number => stringTable.dedup(strings[Number(place)] ?? '');
  const typed = ({ type, unit }: ValueType): ValueTypeInput => ({ type: text(type), unit: text(unit) });
  return new Profile({
    ...profile,
    stringTable,
    sampleType: profile.sampleType.map(typed),
    sample: sample.map((one) => ({
      ...one,
      label: one.label.map((label) => ({
        ...label,
        key: text(label.key),
        str: text(label.str),
        numUnit: text(label.numUnit),
      })),
    })),
    location,
    function: profile.function
      .filter(({ id }) => functions.has(BigInt(id)))
      .map((one) => ({
        ...one,
        name: text(one.name),
        systemName: text(one.systemName),
        filename: text(one.filename),
      })),
    mapping: profile.mapping
      .filter(({ id }) => mappings.has(BigInt(id)))
      .map((one) => ({ ...one, filename: text(one.filename), buildId: text(one.buildId) })),
    comment: comment.map(text),
    dropFrames: text(profile.dropFrames),
    keepFrames: text(profile.keepFrames),
    defaultSampleType: text(profile.defaultSampleType),
    docUrl: text(profile.docUrl),
    ...(profile.periodType ? { periodType: typed(profile.periodType) } : {}),
  });
}

function idsOf(ids: Numeric[]): Set<bigint> {
  return new Set(ids.map(BigInt));
}
