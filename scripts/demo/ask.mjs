import { setTimeout as sleep } from 'node:timers/promises';
import { Advice } from '../setup/commands.mjs';
import { SERVICE } from './bookshop.mjs';

const LIMIT_MILLISECONDS = 10_000;
/** A profile comes each second, when its second is over. */
const ARRIVAL_LIMIT_SECONDS = 20;
const POLL_MILLISECONDS = 100;

/** The JSON that the collector's API answers to a question, as docs/api.md has it. */
export async function ask(page, path, parameters) {
  const url = new URL(`/api/v1/${path}`, page);
  url.search = new URLSearchParams(parameters).toString();
  const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MILLISECONDS) });
  if (response.ok) return response.json();
  throw new Advice(`The collector answers ${url.pathname} with ${response.status}: ${await response.text()}`);
}

/** Waits until all profiles before a time have come: those of a process come in their order. */
export async function arrived(page, to) {
  const limit = performance.now() + ARRIVAL_LIMIT_SECONDS * 1000;
  while (performance.now() < limit) {
    const { services } = await ask(page, 'services');
    if (services.some((service) => service.name === SERVICE && service.to > to)) return;
    await sleep(POLL_MILLISECONDS);
  }
  throw new Advice(`No profile of ${SERVICE} has come to the collector for ${ARRIVAL_LIMIT_SECONDS} s.`);
}
