import { type GivenPart, givenEvent, givenMultipart } from '../../support/build-multipart.js';
import { encodeProfile } from '../../support/build-profile.js';
import { WALL_TYPES, wallSamples } from '../../support/truth.js';
import type { AskOptions } from './collector.js';

export const AGENT = '/profiling/v1/input';
const START = 1_795_960_800_000_000_000n;

/** A profile that no other number has. */
export function givenProfile(number = 0): Buffer {
  return encodeProfile(WALL_TYPES, wallSamples(3, 2, START + BigInt(number)), {
    start: START + BigInt(number),
    durationNanoseconds: 1_000_000_000n,
  });
}

/** A request as dd-trace sends it; with these parts where they are given. */
export function agentUpload(
  attachments: Record<string, Buffer | string> = { 'wall.pprof': givenProfile() },
  changes: Record<string, unknown> = {},
): AskOptions {
  const names = Object.keys(attachments);
  const event: GivenPart = {
    name: 'event',
    filename: 'event.json',
    type: 'application/json',
    data: JSON.stringify(givenEvent(names, changes)),
  };
  return formOf([event, ...names.map((name) => ({ name, data: attachments[name] ?? '' }))]);
}

export function formOf(parts: GivenPart[]): AskOptions {
  const { headers, body } = givenMultipart('', parts);
  return { method: 'POST', headers, body };
}
