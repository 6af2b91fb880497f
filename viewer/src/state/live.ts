import { effect, signal } from '@preact/signals';
import type { Ingested, Service } from '../api/answers.js';
import { API } from '../api/client.js';
import { now, view } from './page.js';
import { loadServices, service, services } from './services.js';

/** Whether news of the collector arrive. */
export const connection = signal<'off' | 'connecting' | 'open'>('off');

/** How often a live window moves when nothing arrives. */
const FOLLOW_MILLISECONDS = 5000;

/** After so long a pause a service is asked about anew: it may have been started with other settings. */
const NEW_MILLISECONDS = 10_000;

/** Moves the window to the present. */
export function followNow(): void {
  now.value = Date.now();
}

/** Notes that more of a service is known, without asking for what else is. */
function extend(known: Service, to: number): void {
  services.value = services
    .peek()
    ?.map((one) => (one === known ? { ...one, to: Math.max(one.to, to) } : one));
}

function listen(): () => void {
  const events = new EventSource(`${API}/events`);
  connection.value = 'connecting';
  events.addEventListener('open', () => {
    connection.value = 'open';
  });
  events.addEventListener('error', () => {
    connection.value = 'connecting';
  });
  events.addEventListener('ingested', ({ data }: MessageEvent<string>) => {
    const ingested = JSON.parse(data) as Ingested;
    const known = services.peek()?.find(({ name }) => name === ingested.service);
    // A service that is new, or that had nothing for a while, may have other kinds of values now.
    if (known === undefined || ingested.from > known.to + NEW_MILLISECONDS) loadServices();
    else extend(known, ingested.to);
    if (ingested.service === service.peek()?.name && !document.hidden) followNow();
  });
  const timer = setInterval(() => {
    if (!document.hidden) followNow();
  }, FOLLOW_MILLISECONDS);
  return () => {
    events.close();
    clearInterval(timer);
    connection.value = 'off';
  };
}

/** Listens as long as the page is live, and as long as there is nothing to show. */
export function startListening(): void {
  effect(() => {
    const isWanted = view.value.live || services.value?.length === 0;
    return isWanted ? listen() : undefined;
  });
  document.addEventListener('visibilitychange', () => {
    if (view.peek().live && !document.hidden) followNow();
  });
}
