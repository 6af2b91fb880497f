import type { IncomingMessage } from 'node:http';
import { type Answer, json } from '../http/answer';
import { readBody } from '../http/body';
import { malformed, Refusal } from '../http/refusal';
import type { Limits } from '../limits';
import type { Upload } from '../store';
import { clientOf, type Exchange, type Intake, refusedOf } from './intake';
import { isMultipart, readParts } from './multipart';
import { checkedName, Tags } from './tags';

/** Part of a multipart body that is about the one profile in it: what its types mean, which the profile itself says. */
const CONFIGURATION = 'sample_type_config';

/**
 * Takes profiles as Pyroscope's `/ingest` does: the profile is the whole body with `format=pprof`, or a part `profile` of a form;
 * who it is of stands in the query.
 */
export const ingestIntake: Intake = {
  async take(request: IncomingMessage, { limits, share, keep, ignore }: Exchange): Promise<Answer> {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams;
    const format = query.get('format');
    if (format !== null && format !== '' && format !== 'pprof') {
      throw new Refusal(
        415,
        `the format ${JSON.stringify(format.slice(0, 40))} is not read. Send pprof, with format=pprof.`,
        'unsupported',
      );
    }
    if (format !== 'pprof' && !isMultipart(request)) {
      throw malformed('format is missing. Send the profile as the body with format=pprof.');
    }
    const named = readName(query.get('name') ?? '', query.get('spyName') ?? '', limits);
    const [from, until] = [timeOf(query, 'from'), timeOf(query, 'until')];
    // The time of arrival in place of one would make another profile of one that comes again.
    const [start, end] = from === undefined || until === undefined ? [0n, 0n] : [from, until];
    if (end < start) throw malformed('until is before from. Check the clock of the program.');
    let data: Buffer | undefined;
    if (isMultipart(request)) {
      const parts = await readParts(request, limits, share);
      if (parts.some(({ name }) => name === 'prev_profile'))
        throw malformed('a profile with the one before it (prev_profile) is not read. Send each by itself.');
      data = parts.find(({ name }) => name === 'profile')?.data;
      ignore(parts.filter(({ name }) => name !== 'profile' && name !== CONFIGURATION).length);
    } else data = await readBody(request, limits, share);
    if (!data || data.length === 0) throw malformed('there is no profile in the request. Send one.');
    const profiles: Upload['profiles'] = [{ name: 'profile.pprof', format: 'pprof', data }];
    refusedOf(await keep([{ ...named, start, end, client: clientOf(request), profiles }]));
    return json({});
  },
};

/**
 * The name `app{label=value,…}`: nothing in it can be escaped, so a value ends at the next comma or brace. As Pyroscope has it a
 * label `service_name` wins over the application's name.
 */
function readName(name: string, spy: string, limits: Limits): Pick<Upload, 'service' | 'tags'> {
  const found = /^([^{}]*)(?:\{([^{}]*)\})?$/.exec(name.trim());
  if (!found) throw malformed('name is no application. Write it as app{label=value,other=value}.');
  const tags = new Tags(limits);
  for (const pair of (found[2] ?? '').split(',')) {
    if (pair.trim() === '') continue;
    const [key = '', value] = split(pair, '=');
    if (value === undefined) throw malformed('a label in name has no value. Write it as app{label=value}.');
    // Of Pyroscope's own use.
    if (!key.startsWith('__')) tags.add(key, value);
  }
  tags.add('pyroscope_spy', spy);
  const service = tags.take('service_name') ?? found[1]?.trim() ?? '';
  return { service: checkedName(service, 'the application', limits), tags: tags.all() };
}

function split(pair: string, sign: string): [key: string, value?: string] {
  const place = pair.indexOf(sign);
  return place < 0 ? [pair.trim()] : [pair.slice(0, place).trim(), pair.slice(place + 1).trim()];
}

/** Seconds, or by the number of digits milliseconds, microseconds or nanoseconds since the epoch: here always nanoseconds. */
function timeOf(query: URLSearchParams, key: 'from' | 'until'): bigint | undefined {
  const text = query.get(key);
  if (text === null || text === '') return undefined;
  const digits = /^\d{1,19}$/.test(text) ? text.length : 0;
  if (digits === 0) throw malformed(`${key} is no time. Write it as seconds since 1970.`);
  const zeros = digits <= 10 ? 9 : digits <= 13 ? 6 : digits <= 16 ? 3 : 0;
  return BigInt(text) * 10n ** BigInt(zeros);
}
