import type { ProfileEntry, Service } from '../api/answers.js';
import { type Selection, selectionQuery } from '../api/selection.js';
import { formatDuration, formatInstant } from '../format/time.js';
import { parseCondition, printCondition } from './conditions.js';
import type { Sides } from './sides.js';
import type { Comparison } from './view.js';

/** What a comparison is by when profiles are its sides: no tag and no label is called so. */
export const BY_PROFILE = 'profiles';

/** A profile, or all of a service. */
export interface SideChoice {
  /** Its selection as a query string, which stands in the address. */
  value: string;
  text: string;
  /** Of which list it is. */
  group: 'profile' | 'service';
}

/** The samples of one profile. It is in the range of its middle; its tags tell it from others of the same time. */
export function selectionOfProfile(
  service: string,
  { from, to, tags }: Pick<ProfileEntry, 'from' | 'to' | 'tags'>,
): Selection {
  const where = Object.entries(tags).map(([key, value]) => printCondition({ key, value, not: false }));
  // One that lasts no time has its middle where it begins.
  return { service, from, to: to > from ? to : from + 1, where };
}

/** What may be a side: profiles of the service shown, the newest first, and other services, each as a whole. */
export function sideChoices(
  shown: Service,
  profiles: readonly ProfileEntry[],
  services: readonly Service[],
  now: number,
): SideChoice[] {
  const ofService = ({ name, from, to }: Service): SideChoice => ({
    value: selectionQuery({ service: name, from: Math.floor(from), to: Math.ceil(to) + 1, where: [] }),
    text: name,
    group: 'service',
  });
  return [
    ...profiles
      .toSorted((a, b) => b.to - a.to)
      .map((profile): SideChoice => {
        const length = formatDuration(profile.to - profile.from);
        return {
          value: selectionQuery(selectionOfProfile(shown.name, profile)),
          text: `${formatInstant(profile.to, now)}, ${length}, ${profile.kind}`,
          group: 'profile',
        };
      }),
    ...(services.length > 1 ? services.map(ofService) : []),
  ];
}

/**
 * The values of the two sides: those chosen, else the last two profiles, or where the service has one alone (as a file of
 * `everflame view`) another service and it.
 */
export function chosenSides(
  comparison: Comparison,
  shown: Service,
  choices: readonly SideChoice[],
): { a: string; b: string } | undefined {
  const profiles = choices.filter(({ group }) => group === 'profile');
  const ofServices = choices.filter(({ group }) => group === 'service');
  const own = ofServices.find(({ text }) => text === shown.name);
  const other = ofServices.find(({ text }) => text !== shown.name);
  const [b, a] = profiles.length > 1 ? profiles : [own, other];
  const sides = { a: comparison.a || a?.value, b: comparison.b || b?.value };
  return sides.a === undefined || sides.b === undefined ? undefined : { a: sides.a, b: sides.b };
}

/** The selections of two sides. Undefined for texts that are none, as a link of somebody else's may have. */
export function profileSides(shown: Selection, values: { a: string; b: string }): Sides | undefined {
  const [a, b] = [values.a, values.b].map((value) => sideOf(shown, value));
  return a && b && { a, b };
}

/** Conditions of the page hold too, but for those on keys that the side itself has. */
function sideOf(shown: Selection, value: string): Selection | undefined {
  const given = new URLSearchParams(value);
  const [service, from, to] = [given.get('service'), Number(given.get('from')), Number(given.get('to'))];
  if (!service || !(from < to)) return undefined;
  const own = given.getAll('where');
  const keys = new Set(own.map((text) => parseCondition(text)?.key));
  const where = [...shown.where.filter((text) => !keys.has(parseCondition(text)?.key)), ...own];
  return { service, from, to, type: shown.type, where };
}
