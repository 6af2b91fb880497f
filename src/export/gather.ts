import { type Service, servicesOf, type ValueType } from '../collector/services';
import { parsed, REQUESTS, type Selection, type Store } from '../collector/store';
import { EverflameError } from '../engine';
import { decodeProfile } from '../upload/pprof/decode';
import type { Found, Profiles } from './answers';
import { readContainer } from './container';
import { ALL_AS_ONE, type Process, processesOf } from './processes';
import { Samples } from './samples';
import type { Stripping } from './strip';

/** Profiles that are looked at for their processes. */
const MOST_PROFILES = 100_000;

/** Samples of a selection, in sums, with what is known of the processes that they are of. */
export interface Gathered {
  service: Service;
  /** What is in it, in the order of the columns of `samples`. */
  types: ValueType[];
  samples: Samples;
  /** For each type its sum. */
  totals: number[];
  processes: readonly Process[];
  /** For each process and type. */
  found: Found[][];
  profiles: Profiles;
}

/** Asks a store for a selection. Throws an EverflameError where there is nothing in it. */
export async function gather(store: Store, selection: Selection, stripping: Stripping): Promise<Gathered> {
  const services = await servicesOf(store);
  const service = services.find(({ name }) => name === selection.service);
  if (!service)
    throw new EverflameError(
      'NOT_FOUND',
      `there is no service ${named(selection.service)}: "everflame query services" says what there is`,
    );
  const exported = service.types.filter(({ name }) => name !== REQUESTS);
  const types = exported.filter(
    ({ name }, index, all) =>
      (selection.type === undefined || name === selection.type) &&
      // Of one name in two units questions mean the first.
      all.findIndex((other) => other.name === name) === index,
  );
  if (types.length === 0) {
    const known = exported.map(({ name }) => named(name)).join(', ');
    throw selection.type === REQUESTS
      ? new EverflameError(
          'BAD_QUERY',
          `counts of requests have no stacks and go into no file; ${named(service.name)} has ${known}`,
        )
      : new EverflameError(
          'NOT_FOUND',
          `${named(service.name)} has no values of type ${named(selection.type ?? '')}; it has ${known}`,
        );
  }
  const profiles = await parsed<Profiles>(
    store.profiles({ ...selection, where: [] }, { limit: MOST_PROFILES }),
  );
  const taken = { store, selection, types, stripping };
  const apart = profiles.more > 0 ? undefined : processesOf(profiles.profiles);
  const { processes, samples, totals, whole } = await take(taken, apart);
  if (totals.every((total) => total === 0)) {
    throw new EverflameError(
      'NOT_FOUND',
      `there are no samples of ${named(service.name)} from ${iso(selection.from)} to ${iso(selection.to)}${selection.where.length > 0 ? ' with these labels and tags' : ''}. Choose another range: "everflame query services" says what there is`,
    );
  }
  const found: Found[][] = [];
  for (const { where } of processes) {
    const own = { ...selection, where: [...selection.where, ...where] };
    found.push(processes.length === 1 ? whole : await foundOf(store, own, types));
  }
  return { service, types, samples, totals, processes, found, profiles };
}

interface Asked {
  store: Store;
  selection: Selection;
  types: ValueType[];
  stripping: Stripping;
}

interface Taken {
  processes: readonly Process[];
  samples: Samples;
  totals: number[];
  /** Of all processes together, for each type. */
  whole: Found[];
}

/**
 * The samples of each process, if their sums are the store's own. They are not where a label is called as a tag and hides it, so that
 * samples would be missing: then nothing is told apart by tags. Nor are they where a profile has arrived in between: hence the second try.
 */
async function take(asked: Asked, apart: readonly Process[] | undefined): Promise<Taken> {
  for (const processes of apart ? [apart, apart] : []) {
    const taken = await takeFrom(asked, processes);
    if (taken.whole.every(({ total }, index) => total === taken.totals[index])) return taken;
  }
  return takeFrom(asked, ALL_AS_ONE);
}

async function takeFrom(
  { store, selection, types, stripping }: Asked,
  processes: readonly Process[],
): Promise<Taken> {
  const whole = await foundOf(store, selection, types);
  const names = types.map(({ name }) => name);
  const samples = new Samples(names, stripping);
  const { type: _all, ...untyped } = selection;
  for (const [group, { where }] of processes.entries()) {
    const data = await store.pprof({ ...untyped, where: [...selection.where, ...where] });
    samples.add(await decodeProfile('what the store answers', data), group);
  }
  return { processes, samples, totals: samples.totals(), whole };
}

/** What there is of each type. */
async function foundOf(store: Store, selection: Selection, types: ValueType[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const { name } of types) {
    const tree = await store.tree({ ...selection, type: name }, { frames: 'package', nodes: 1 });
    const { total, from, to, seconds } = readContainer('EFT1', tree).heading as unknown as Found;
    found.push({ total, from, to, seconds });
  }
  return found;
}

function named(name: string): string {
  return JSON.stringify(name);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
