import { deliverySettings } from '../../config/delivery-settings';
import { ADDRESS_NAME, withoutUsers } from '../../config/plain-text';
import type { Setting } from '../../config/settings';

/** Shorter ones are part of ordinary words; where they stand in a URL they are hidden all the same. */
const SHORTEST = 6;
const HIDDEN = '…';

/**
 * Takes keys, tokens and passwords of the environment out of every text of a report: the settings never show them, but the message
 * of an error may.
 */
export function withoutSecrets<Report>(report: Report, environment: NodeJS.ProcessEnv): Report {
  const secrets = secretsOf(environment);
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return withoutUsers(secrets.reduce(hide, value));
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, clean(part)]));
  };
  return clean(report) as Report;
}

function hide(text: string, secret: string): string {
  return text.replaceAll(secret, HIDDEN);
}

function secretsOf(environment: NodeJS.ProcessEnv): string[] {
  const named = Object.values(deliverySettings as Record<string, Setting>)
    .filter((setting) => setting.type === 'text' && setting.secret)
    .flatMap(({ env }) => env);
  const found = new Set<string>();
  for (const [name, value] of Object.entries(environment)) {
    if (!value) continue;
    if (named.includes(name)) {
      found.add(value).add(value.trim());
      // Of headers each value, as it is written and as it is sent.
      for (const pair of value.split(',')) found.add(pair.slice(pair.indexOf('=') + 1).trim());
    }
    const users = [...value.matchAll(/:\/\/(\S*)@/g)].map(([, user = '']) => user);
    if (ADDRESS_NAME.test(name)) {
      // It may be none that can be used, such as one without its scheme.
      users.push(/^(?:[a-z][a-z0-9+.-]*:\/\/)?(.*)@/is.exec(value)?.[1] ?? '');
      found.add(/[?#](.*)$/s.exec(value)?.[1] ?? '');
    }
    for (const user of users) found.add(user).add(user.slice(user.indexOf(':') + 1));
  }
  for (const secret of [...found]) found.add(decoded(secret));
  // The longest first: one may be a part of another.
  return [...found].filter(({ length }) => length >= SHORTEST).sort((a, b) => b.length - a.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
