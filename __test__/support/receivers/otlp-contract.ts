import { Message, type Schema } from './wire';

const REQUEST: Schema = { 1: ['resourceProfiles', 'message'], 2: ['dictionary', 'message'] };
const DICTIONARY: Schema = {
  1: ['mapping', 'message'],
  2: ['location', 'message'],
  3: ['function', 'message'],
  4: ['link', 'message'],
  5: ['string', 'text'],
  6: ['attribute', 'message'],
  7: ['stack', 'message'],
};
const RESOURCE_PROFILES: Schema = {
  1: ['resource', 'message'],
  2: ['scopeProfiles', 'message'],
  3: ['schemaUrl', 'text'],
};
const SCOPE_PROFILES: Schema = {
  1: ['scope', 'message'],
  2: ['profile', 'message'],
  3: ['schemaUrl', 'text'],
};
const RESOURCE: Schema = { 1: ['attribute', 'message'] };
const SCOPE: Schema = { 1: ['name', 'text'], 2: ['version', 'text'], 3: ['attribute', 'message'] };
const KEY_VALUE: Schema = { 1: ['key', 'text'], 2: ['value', 'message'], 3: ['keyIndex', 'varint'] };
const ANY_VALUE: Schema = { 1: ['text', 'text'], 3: ['int', 'varint'] };
const PROFILE: Schema = {
  1: ['sampleType', 'message'],
  2: ['sample', 'message'],
  3: ['time', 'fixed64'],
  4: ['duration', 'varint'],
  5: ['periodType', 'message'],
  6: ['period', 'varint'],
  7: ['id', 'bytes'],
  8: ['droppedAttributes', 'varint'],
  9: ['payloadFormat', 'text'],
  10: ['payload', 'bytes'],
  11: ['attribute', 'list'],
};
const SAMPLE: Schema = {
  1: ['stack', 'varint'],
  2: ['attribute', 'list'],
  3: ['link', 'varint'],
  4: ['value', 'list'],
  5: ['time', 'fixed'],
};
const STACK: Schema = { 1: ['location', 'list'] };
const LOCATION: Schema = {
  1: ['mapping', 'varint'],
  2: ['address', 'varint'],
  3: ['line', 'message'],
  4: ['attribute', 'list'],
};
const LINE: Schema = { 1: ['function', 'varint'], 2: ['line', 'varint'], 3: ['column', 'varint'] };
const FUNCTION: Schema = {
  1: ['name', 'varint'],
  2: ['systemName', 'varint'],
  3: ['filename', 'varint'],
  4: ['startLine', 'varint'],
};
const MAPPING: Schema = {
  1: ['start', 'varint'],
  2: ['limit', 'varint'],
  3: ['offset', 'varint'],
  4: ['filename', 'varint'],
  5: ['attribute', 'list'],
};
const LINK: Schema = { 1: ['trace', 'bytes'], 2: ['span', 'bytes'] };
const VALUE_TYPE: Schema = { 1: ['type', 'varint'], 2: ['unit', 'varint'] };
const KEY_VALUE_UNIT: Schema = { 1: ['key', 'varint'], 2: ['value', 'message'], 3: ['unit', 'varint'] };

export type Attributes = Map<string, string | bigint>;

export interface CheckedOtlpSample {
  values: bigint[];
  times: bigint[];
  /** `file:line function`, from root to leaf. */
  stack: string[];
  attributes: Attributes;
  /** In hexadecimal digits; empty without a link. */
  traceId: string;
  spanId: string;
}

/** One `Profile`. */
export interface CheckedOtlpProfile {
  /** With the unit behind a slash. */
  type: string;
  periodType: string;
  period: bigint;
  time: bigint;
  duration: bigint;
  id: string;
  samples: CheckedOtlpSample[];
  /** Sum of all values; a sample of times alone counts one for each. */
  total: bigint;
}

export interface CheckedOtlpRequest {
  resource: Attributes;
  scope: string;
  profiles: CheckedOtlpProfile[];
  /** Value of `profile.frame.type` by `file:line function`. */
  frameTypes: Map<string, string>;
}

/** Reads an `ExportProfilesServiceRequest` strictly. Throws an error that says which rule it breaks. */
export function checkRequest(data: Buffer): CheckedOtlpRequest {
  const request = new Message(data, 'request', REQUEST);
  if (!request.has('dictionary')) throw new Error('the dictionary is missing');
  const tables = new Tables(request.bytes('dictionary'));
  const [only, ...others] = request.all<Buffer>('resourceProfiles');
  if (!only || others.length > 0) throw new Error('there is not one resource');
  const resourceProfiles = new Message(only, 'resourceProfiles', RESOURCE_PROFILES);
  if (!resourceProfiles.has('resource')) throw new Error('the resource is missing');
  const resource = new Message(resourceProfiles.bytes('resource'), 'resource', RESOURCE);
  const [scoped, ...more] = resourceProfiles.all<Buffer>('scopeProfiles');
  if (!scoped || more.length > 0) throw new Error('there is not one scope');
  const scopeProfiles = new Message(scoped, 'scopeProfiles', SCOPE_PROFILES);
  if (!scopeProfiles.has('scope')) throw new Error('the scope is missing');
  const scope = new Message(scopeProfiles.bytes('scope'), 'scope', SCOPE);
  const profiles = scopeProfiles.all<Buffer>('profile').map((profile) => checkProfile(profile, tables));
  if (profiles.length === 0) throw new Error('there is no profile');
  const ids = new Set(profiles.map(({ id }) => id));
  if (ids.size !== profiles.length) throw new Error('two profiles have the same id');
  return {
    resource: keyValues(resource.all('attribute')),
    scope: scope.text('name'),
    profiles,
    frameTypes: tables.frameTypes,
  };
}

function anyValue(data: Buffer): string | bigint {
  const value = new Message(data, 'value', ANY_VALUE);
  if (value.has('text') === value.has('int')) throw new Error('an attribute has no value, or two');
  return value.has('text') ? value.text('text') : value.signed('int');
}

function keyValues(all: Buffer[]): Attributes {
  const attributes: Attributes = new Map();
  for (const data of all) {
    const pair = new Message(data, 'attribute', KEY_VALUE);
    const key = pair.text('key');
    if (key === '') throw new Error('an attribute has no plain key');
    if (attributes.has(key)) throw new Error(`the attribute ${key} is there twice`);
    attributes.set(key, anyValue(pair.bytes('value')));
  }
  return attributes;
}

/** The tables of a dictionary, resolved. */
class Tables {
  readonly strings: string[];
  readonly frameTypes = new Map<string, string>();
  readonly links: { traceId: string; spanId: string }[];
  readonly stacks: string[][];
  private readonly attributes: [key: string, value: string | bigint][];

  constructor(data: Buffer) {
    const dictionary = new Message(data, 'dictionary', DICTIONARY);
    this.strings = dictionary.all('string');
    if (this.strings[0] !== '') throw new Error('string_table[0] is not empty');
    for (const name of ['mapping', 'location', 'function', 'link', 'attribute', 'stack']) {
      const [zero] = dictionary.all<Buffer>(name);
      if (zero?.length !== 0) throw new Error(`${name}_table[0] is not the zero value`);
    }
    const table = (name: string, schema: Schema): Message[] =>
      dictionary.all<Buffer>(name).map((entry) => new Message(entry, name, schema));
    this.attributes = table('attribute', KEY_VALUE_UNIT).map((entry, index) => [
      this.string(entry.number('key')),
      index === 0 ? '' : anyValue(entry.bytes('value')),
    ]);
    this.links = table('link', LINK).map((link, index) => {
      const [trace, span] = [link.bytes('trace'), link.bytes('span')];
      if (index > 0 && (trace.length !== 16 || span.length !== 8)) {
        throw new Error(`link ${index} has ids of ${trace.length} and ${span.length} bytes`);
      }
      return { traceId: trace.toString('hex'), spanId: span.toString('hex') };
    });
    const mappings = table('mapping', MAPPING).map((mapping) => {
      this.attributesOf(mapping.all('attribute'));
      return this.string(mapping.number('filename'));
    });
    const functions = table('function', FUNCTION).map((entry) => {
      this.string(entry.number('systemName'));
      return { name: this.string(entry.number('name')), file: this.string(entry.number('filename')) };
    });
    const locations = table('location', LOCATION).map((location, index) => {
      const module = at(mappings, location.number('mapping'), 'mapping');
      if (index > 0 && location.number('mapping') === 0n) throw new Error('a location has no mapping');
      const lines = location.all<Buffer>('line').map((bytes) => {
        const line = new Message(bytes, 'line', LINE);
        const entry = at(functions, line.number('function'), 'function');
        return `${entry.file || module}:${line.signed('line')} ${entry.name}`;
      });
      const type = this.attributesOf(location.all('attribute')).get('profile.frame.type');
      for (const line of lines) this.frameTypes.set(line, String(type));
      return lines;
    });
    this.stacks = table('stack', STACK).map((stack) =>
      stack
        .all<bigint>('location')
        .flatMap((index) => at(locations, index, 'location'))
        .reverse(),
    );
    const known = new Set(table('stack', STACK).map((stack) => stack.all('location').join()));
    if (known.size !== this.stacks.length) throw new Error('a stack is in the table twice');
    if (new Set(this.strings).size !== this.strings.length) throw new Error('a string is there twice');
  }

  string(index: bigint): string {
    return at(this.strings, index, 'string');
  }

  attributesOf(indices: bigint[]): Attributes {
    if (indices.includes(0n)) throw new Error('an attribute index is zero');
    const attributes = new Map(indices.map((index) => at(this.attributes, index, 'attribute')));
    if (attributes.size !== indices.length) throw new Error('an attribute key is there twice');
    return attributes;
  }
}

function at<T>(table: readonly T[], index: bigint, name: string): T {
  const found = table[Number(index)];
  if (found === undefined) throw new Error(`there is no ${name} ${index}`);
  return found;
}

function checkProfile(data: Buffer, tables: Tables): CheckedOtlpProfile {
  const profile = new Message(data, 'profile', PROFILE);
  const type = (field: string): string => {
    const valueType = new Message(profile.bytes(field), field, VALUE_TYPE);
    return `${tables.string(valueType.number('type'))}/${tables.string(valueType.number('unit'))}`;
  };
  const time = profile.number('time');
  const duration = profile.number('duration');
  const samples = profile.all<Buffer>('sample').map((bytes): CheckedOtlpSample => {
    const sample = new Message(bytes, 'sample', SAMPLE);
    const values = sample.all<bigint>('value').map((value) => BigInt.asIntN(64, value));
    const times = sample.all<bigint>('time');
    if (times.length > 0 && values.length > 0 && times.length !== values.length) {
      throw new Error(`a sample has ${values.length} values and ${times.length} times`);
    }
    if (times.length === 0 && values.length !== 1) {
      throw new Error(`a sample without times has ${values.length} values`);
    }
    for (const timestamp of times) {
      if (timestamp < time || timestamp >= time + duration) throw new Error('a time is not in the period');
    }
    if (values.includes(0n)) throw new Error('a value is zero');
    const link = at(tables.links, sample.number('link'), 'link');
    const stack = at(tables.stacks, sample.number('stack'), 'stack');
    return { values, times, stack, attributes: tables.attributesOf(sample.all('attribute')), ...link };
  });
  if (samples.length === 0) throw new Error('a profile has no samples');
  const id = profile.bytes('id');
  if (id.length !== 16 || id.every((byte) => byte === 0)) throw new Error('a profile has no id');
  const period = profile.signed('period');
  if (period <= 0n || type('periodType').startsWith('/')) throw new Error('a profile has no period');
  if (type('sampleType').includes('-')) throw new Error('sample type contains -');
  return {
    type: type('sampleType'),
    periodType: type('periodType'),
    period,
    time,
    duration,
    id: id.toString('hex'),
    samples,
    total: samples
      .map(({ values, times }) =>
        values.length > 0 ? values.reduce((a, b) => a + b, 0n) : BigInt(times.length),
      )
      .reduce((a, b) => a + b, 0n),
  };
}
