import { servicesOf, type ValueType } from '../collector/services';
import { parsed, type Store } from '../collector/store';

/** The last instant of a Date. */
const LATEST = 8.64e15;
const MOST_PROFILES = 100_000;

interface Entry {
  types: (ValueType & { total: number })[];
}

/** What a store says of a service: when it is of, and what its values add up to. */
export async function totalsOf(
  store: Store,
  service: string,
): Promise<{ from: number; to: number; profiles: number; types: Entry['types'] }> {
  const services = await servicesOf(store);
  const own = services.find(({ name }) => name === service);
  const all = { service, from: 0, to: LATEST, where: [] };
  const { profiles } = await parsed<{ profiles: Entry[] }>(store.profiles(all, { limit: MOST_PROFILES }));
  const types = new Map<string, Entry['types'][number]>();
  for (const type of profiles.flatMap((profile) => profile.types)) {
    const total = (types.get(type.name)?.total ?? 0) + type.total;
    types.set(type.name, { ...type, total });
  }
  const { from = 0, to = 0, profiles: count = 0 } = own ?? {};
  return { from, to, profiles: count, types: [...types.values()] };
}
