/** A profile with all that its request says of it, and nothing left to look up. */
export interface OtlpProfile {
  resource: Record<string, OtlpValue>;
  scope: string;
  type: string;
  unit: string;
  periodType: string;
  period: number;
  /** In nanoseconds. */
  start: bigint;
  duration: bigint;
  samples: OtlpSample[];
}

export interface OtlpSample {
  /** From root to leaf. */
  stack: OtlpFrame[];
  values: number[];
  timestamps: bigint[];
  attributes: Record<string, OtlpValue>;
  link?: { traceId: string; spanId: string };
}

export interface OtlpFrame {
  name: string;
  file: string;
  line: number;
  module: string;
  attributes: Record<string, OtlpValue>;
}

/** What an `AnyValue` holds, a 64-bit integer as a string. */
export type OtlpValue = string | number | boolean | undefined;

/** OTLP as JSON: what is zero, empty or false is left out. */
export interface Request {
  dictionary: {
    mappingTable: { filenameStrindex?: number }[];
    locationTable: {
      mappingIndex?: number;
      lines?: { functionIndex?: number; line?: string }[];
      attributeIndices?: number[];
    }[];
    functionTable: { nameStrindex?: number; filenameStrindex?: number }[];
    linkTable: { traceId?: string; spanId?: string }[];
    stringTable: string[];
    attributeTable: KeyValue[];
    stackTable: { locationIndices?: number[] }[];
  };
  resourceProfiles?: {
    resource?: { attributes?: KeyValue[] };
    scopeProfiles?: { scope?: { name?: string }; profiles?: Profile[] }[];
  }[];
}

/** Where there is a dictionary, the Collector puts the texts of a resource there too. */
interface KeyValue {
  key?: string;
  keyStrindex?: number;
  value?: Record<string, OtlpValue>;
}

interface ValueType {
  typeStrindex?: number;
  unitStrindex?: number;
}

interface Profile {
  sampleType?: ValueType;
  samples?: {
    stackIndex?: number;
    values?: string[];
    attributeIndices?: number[];
    linkIndex?: number;
    timestampsUnixNano?: string[];
  }[];
  timeUnixNano?: string;
  durationNano?: string;
  periodType?: ValueType;
  period?: string;
}

const NO_LINK = { traceId: '', spanId: '' };

/** An entry of a table. That there is none is an error of whoever sent it. */
function entry<T>(table: T[] | undefined, index = 0): T {
  const found = table?.[index];
  if (found === undefined) throw new Error(`index ${index} is beyond a table of ${table?.length ?? 0}`);
  return found;
}

/** The profiles of a request in OTLP's JSON. Throws where it points at something that is not there. */
export function profilesOf({ dictionary, resourceProfiles = [] }: Request): OtlpProfile[] {
  const text = (index?: number): string => entry(dictionary.stringTable, index);
  const pair = ({ key, keyStrindex, value = {} }: KeyValue): [string, OtlpValue] => {
    const [kind, held] = Object.entries(value)[0] ?? [];
    return [key ?? text(keyStrindex), kind === 'stringValueStrindex' ? text(Number(held)) : held];
  };
  const attributes = (indices: number[] = []): Record<string, OtlpValue> =>
    Object.fromEntries(indices.map((index) => pair(entry(dictionary.attributeTable, index))));
  const framesOf = (index: number): OtlpFrame[] => {
    const { lines = [], mappingIndex, attributeIndices } = entry(dictionary.locationTable, index);
    const module = text(entry(dictionary.mappingTable, mappingIndex).filenameStrindex);
    return lines.map(({ functionIndex, line = '0' }) => {
      const { nameStrindex, filenameStrindex } = entry(dictionary.functionTable, functionIndex);
      return {
        name: text(nameStrindex),
        file: text(filenameStrindex),
        line: Number(line),
        module,
        attributes: attributes(attributeIndices),
      };
    });
  };
  const samplesOf = ({ samples = [] }: Profile): OtlpSample[] =>
    samples.map((sample) => ({
      stack: (entry(dictionary.stackTable, sample.stackIndex).locationIndices ?? [])
        .flatMap(framesOf)
        .reverse(),
      values: (sample.values ?? []).map(Number),
      timestamps: (sample.timestampsUnixNano ?? []).map(BigInt),
      attributes: attributes(sample.attributeIndices),
      ...(sample.linkIndex ? { link: { ...NO_LINK, ...entry(dictionary.linkTable, sample.linkIndex) } } : {}),
    }));
  return resourceProfiles.flatMap(({ resource, scopeProfiles = [] }) =>
    scopeProfiles.flatMap(({ scope, profiles = [] }) =>
      profiles.map((profile) => ({
        resource: Object.fromEntries((resource?.attributes ?? []).map(pair)),
        scope: scope?.name ?? '',
        type: text(profile.sampleType?.typeStrindex),
        unit: text(profile.sampleType?.unitStrindex),
        periodType: text(profile.periodType?.typeStrindex),
        period: Number(profile.period ?? 0),
        start: BigInt(profile.timeUnixNano ?? 0),
        duration: BigInt(profile.durationNano ?? 0),
        samples: samplesOf(profile),
      })),
    ),
  );
}
