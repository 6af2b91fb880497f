import { parseConditions } from '../collector/query/conditions';
import type { Service } from '../collector/services';
import type { Condition, Selection } from '../collector/store';
import { EverflameError } from '../engine';
import { readDuration, readTime } from './read-time';
import { visible } from './visible';

/** The options that say which samples of the store are meant. */
export interface SelectionOptions {
  service?: string;
  from?: string;
  to?: string;
  last?: string;
  type?: string;
  where?: string[];
}

/**
 * The samples that options mean: without a service of the only one, and without times of all that there is of it. Throws an
 * EverflameError where there is no such service, and for options that cannot be.
 */
export function selectionOf(services: readonly Service[], options: SelectionOptions, now: number): Selection {
  const service = serviceOf(services, options.service);
  const { from, to } = rangeOf(options, service, now);
  if (from >= to) {
    throw new EverflameError(
      'BAD_QUERY',
      `the range is empty: it begins at ${timeText(from)} and ends at ${timeText(to)}. Give an earlier --from, or a later --to`,
    );
  }
  return {
    service: service.name,
    from,
    to,
    ...(options.type ? { type: options.type } : {}),
    where: conditions(options.where),
  };
}

function serviceOf(services: readonly Service[], wanted: string | undefined): Service {
  const [only] = services;
  const found =
    wanted === undefined && services.length === 1 ? only : services.find(({ name }) => name === wanted);
  if (found) return found;
  if (services.length === 0) {
    throw new EverflameError(
      'NOT_FOUND',
      'there are no profiles in the store yet. To make some: everflame dev node app.js',
    );
  }
  const names = services.map(({ name }) => visible(name)).join(', ');
  throw wanted === undefined
    ? new EverflameError('BAD_QUERY', `name a service with --service; there is ${names}`)
    : new EverflameError('NOT_FOUND', `no service ${JSON.stringify(wanted)}; there is ${names}`);
}

function rangeOf(options: SelectionOptions, service: Service, now: number): { from: number; to: number } {
  const { from, to, last } = options;
  if (last === undefined) {
    return {
      from: readTime('--from', from, now) ?? Math.floor(service.from),
      to: readTime('--to', to, now) ?? Math.ceil(service.to) + 1,
    };
  }
  if (from !== undefined || to !== undefined) {
    throw new EverflameError('BAD_QUERY', '--last is a range of its own: leave out --from and --to');
  }
  return { from: Math.max(0, now - readDuration('--last', last)), to: now };
}

function conditions(texts: string[] = []): Condition[] {
  return parseConditions(
    texts,
    (text) =>
      new EverflameError(
        'BAD_QUERY',
        `--where ${JSON.stringify(text)}: give key:value, or !key:value for all but that`,
      ),
  );
}

/** To the second, in UTC. */
export function timeText(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
