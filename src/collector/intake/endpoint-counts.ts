import type { Limits } from '../limits';
import type { EndpointRequests } from '../store';

/** Requests of one period: more than any server takes in a day. */
const MOST_REQUESTS = 2 ** 40;

/** What `endpoint_counts` of an event says, or why it cannot be believed, as a part of a sentence. */
export interface EndpointCounts {
  requests?: EndpointRequests[];
  fault?: string;
}

/**
 * Reads how many requests came for each endpoint while the profiles were taken, as dd-trace and libdatadog tell it in an event.
 * Without a word from the client nothing is known; an empty object says that there were none.
 */
export function readEndpointCounts(event: Record<string, unknown>, limits: Limits): EndpointCounts {
  const value = event.endpoint_counts;
  if (value === undefined || value === null || isOff(event)) return {};
  if (typeof value !== 'object' || Array.isArray(value)) return { fault: 'is no object of numbers' };
  const entries = Object.entries(value);
  if (entries.length > limits.endpoints) return { fault: `has more than ${limits.endpoints} endpoints` };
  for (const [endpoint, count] of entries) {
    if (endpoint.length > limits.endpointCharacters)
      return { fault: `has a name of more than ${limits.endpointCharacters} characters` };
    if (!isCount(count))
      return { fault: `has ${print(count)} for ${print(endpoint)}, which is no whole number from 0 to 2^40` };
  }
  return { requests: entries.map(([endpoint, count]) => ({ endpoint, count: count as number })) };
}

/** dd-trace sends an empty object as well where it was told not to count. */
function isOff({ info }: Record<string, unknown>): boolean {
  const { profiler } = Object(info) as { profiler?: unknown };
  const { settings } = Object(profiler) as { settings?: unknown };
  return (Object(settings) as { endpointCollectionEnabled?: unknown }).endpointCollectionEnabled === false;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_REQUESTS;
}

function print(value: unknown): string {
  return JSON.stringify(value).slice(0, 60);
}
