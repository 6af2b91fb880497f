import { createHash } from 'node:crypto';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { relabel } from '../../pprof/label-sets';
import type { PprofProfile, ValueType } from '../../pprof/model';
import { delimited, fixed64, varint } from '../../pprof/records';
import { writeInt64, writeNumber } from '../../pprof/writing';
import type { Upload } from '../../upload';
import { resourceAttributes, sampleAttributes } from './attributes';
import { Dictionary, writeAnyValue } from './dictionary';
import { type OtlpSample, timeline, totals } from './samples';

/** How samples are written. */
export interface Form {
  /** Each value with its time, not only totals. */
  timeline: boolean;
}

/** Tags of the fields that are written most. */
const SAMPLE = delimited(2);
const STACK = varint(1);
const VALUES = delimited(4);
const TIMES = delimited(5);

interface Period {
  start: bigint;
  end: bigint;
}

/**
 * An `ExportProfilesServiceRequest` with one profile of an upload: in OpenTelemetry's form one `Profile` for each kind of
 * value, without those that have no samples, and how many they are. Undefined where none has. `part` tells it from the upload's
 * others.
 */
export function exportRequest(
  upload: Upload,
  part: string,
  profile: PprofProfile,
  form: Form,
): { message: Uint8Array; profiles: number } | undefined {
  const labels = relabel(profile.labelSets, sampleAttributes);
  const period = periodOf(upload, profile);
  const kinds = profile.types.flatMap((type, column) => {
    const samples = form.timeline
      ? timeline(profile, column, labels, period)
      : totals(profile, column, labels);
    return samples.length > 0 ? [{ type, samples }] : [];
  });
  if (kinds.length === 0) return undefined;
  const dictionary = new Dictionary(profile);
  // Many samples have the same labels.
  const labelFields = labels.sets.map((set) => dictionary.labelFields(set));
  const writer = new BinaryWriter();
  writer.uint32(delimited(1)).fork();
  writeResource(writer, upload);
  writer.uint32(delimited(2)).fork();
  writeScope(writer, upload);
  for (const { type, samples } of kinds) {
    writer.uint32(delimited(2)).fork();
    writeType(writer, 1, type, dictionary);
    for (const sample of samples) {
      writeSample(writer, sample, dictionary.stack(sample.stack), labelFields[sample.labels] as Uint8Array);
    }
    writer.uint32(fixed64(3)).fixed64(period.start);
    writer.uint32(varint(4)).uint64(period.end - period.start);
    writeType(writer, 5, periodType(type, profile), dictionary);
    writeNumber(writer, varint(6), profile.period || 1);
    writer.uint32(delimited(7)).bytes(profileId(upload, `${part}\0${type.type}`));
    writer.join();
  }
  writer.join().join();
  dictionary.write(writer.uint32(delimited(2)).fork());
  return { message: writer.join().finish(), profiles: kinds.length };
}

function periodOf(upload: Upload, { start, durationNanoseconds }: PprofProfile): Period {
  return start > 0n && durationNanoseconds > 0n ? { start, end: start + durationNanoseconds } : upload;
}

/** What the sampler counted between two samples. CPU time is counted in itself, whatever made the sampler look. */
function periodType(type: ValueType, profile: PprofProfile): ValueType {
  return type.type === 'cpu' || !profile.periodType ? type : profile.periodType;
}

function writeResource(writer: BinaryWriter, { identity }: Upload): void {
  writer.uint32(delimited(1)).fork();
  for (const [key, value] of resourceAttributes(identity)) {
    writer.uint32(delimited(1)).fork().uint32(delimited(1)).string(key);
    writeAnyValue(writer, 2, value);
    writer.join();
  }
  writer.join();
}

function writeScope(writer: BinaryWriter, { identity }: Upload): void {
  writer.uint32(delimited(1)).fork().uint32(delimited(1)).string('everflame');
  writer.uint32(delimited(2)).string(identity.profilerVersion).join();
}

/** Pyroscope, which takes OpenTelemetry's profiles too, refuses a dash in the name of a type. */
function writeType(writer: BinaryWriter, field: number, { type, unit }: ValueType, tables: Dictionary): void {
  writer.uint32(delimited(field)).fork();
  writeNumber(writer, varint(1), tables.string(type.replaceAll('-', '_')));
  writeNumber(writer, varint(2), tables.string(unit));
  writer.join();
}

function writeSample(
  writer: BinaryWriter,
  { values, times }: OtlpSample,
  stack: number,
  labelFields: Uint8Array,
): void {
  writer.uint32(SAMPLE).fork();
  writeNumber(writer, STACK, stack);
  writer.raw(labelFields);
  writer.uint32(VALUES).fork();
  for (const value of values) writeInt64(writer, value);
  writer.join();
  if (times.length > 0) {
    writer.uint32(TIMES).fork();
    for (const time of times) writer.fixed64(time);
    writer.join();
  }
  writer.join();
}

/** 16 bytes that are the same for the same profile at any time. */
function profileId({ identity, sequence }: Upload, part: string): Uint8Array {
  const hash = createHash('sha256').update(`${identity.runtimeId}\0${sequence}\0${part}`);
  return hash.digest().subarray(0, 16);
}
