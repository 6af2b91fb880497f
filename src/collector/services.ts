import { parsed, type Store } from './store';

/** A kind of value, as profiles name it. */
export interface ValueType {
  name: string;
  unit: string;
}

/** A service as `/services` tells of it (docs/api.md); times in milliseconds since the epoch. */
export interface Service {
  name: string;
  from: number;
  to: number;
  profiles: number;
  instances: number;
  types: ValueType[];
}

/** What a store tells of its services. */
export async function servicesOf(store: Pick<Store, 'services'>): Promise<Service[]> {
  return (await parsed<{ services: Service[] }>(store.services())).services;
}
