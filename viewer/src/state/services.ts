import { computed, effect, signal } from '@preact/signals';
import type { Service, ValueType } from '../api/answers.js';
import { askJson } from '../api/client.js';
import type { Selection } from '../api/selection.js';
import { Latest } from './latest.js';
import { knownSpan, shownSpan, view } from './page.js';

/** The services that the collector knows; undefined until it has answered. */
export const services = signal<Service[] | undefined>(undefined);
export const servicesError = signal<Error | undefined>(undefined);

const latest = new Latest<{ services: Service[] }>({
  answer: (answer) => {
    services.value = answer.services;
    servicesError.value = undefined;
  },
  failed: (error) => {
    servicesError.value = error as Error;
  },
  busy: () => {},
});

/** Asks again which services there are. */
export function loadServices(): void {
  latest.ask('services', (signal) => askJson('services', signal));
}

/** The service shown: that of the address, else the one that was seen last. */
export const service = computed<Service | undefined>(() => {
  const wanted = view.value.service;
  const all = services.value ?? [];
  if (wanted !== undefined) return all.find(({ name }) => name === wanted);
  return all.reduce<Service | undefined>((last, one) => (last && last.to >= one.to ? last : one), undefined);
});

effect(() => {
  const shown = service.value;
  knownSpan.value = shown && { from: shown.from, to: shown.to };
});

/** The kind of value shown: that of the address where the service has it, else the first of cpu, wall and what there is. */
export const valueType = computed<ValueType | undefined>(() => {
  const types = service.value?.types ?? [];
  const named = (name: string | undefined) => types.find((type) => type.name === name);
  // Counts of requests have no stacks.
  const first = types.find(({ name }) => name !== 'requests') ?? types[0];
  return named(view.value.type) ?? named('cpu') ?? named('wall') ?? first;
});

/** What is asked for; undefined as long as there is no service. */
export const selection = computed<Selection | undefined>(() => {
  const name = service.value?.name;
  if (name === undefined || valueType.value === undefined) return undefined;
  return { service: name, ...shownSpan.value, type: valueType.value.name, where: view.value.where };
});

/** What is asked for apart from the instant that a moving window ends at. */
export const subject = computed<string>(() => {
  const { window, brush, where } = view.value;
  return JSON.stringify([service.value?.name, valueType.value?.name, brush ?? window, where]);
});
