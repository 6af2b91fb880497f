import { malformed } from '../http/refusal';
import type { Limits } from '../limits';

type Tag = [key: string, value: string];

/** Collects the tags of an upload: each key once, the first one wins. Throws a Refusal beyond a limit. */
export class Tags {
  private readonly values = new Map<string, string>();

  constructor(private readonly limits: Limits) {}

  /** What has no key or no value is no tag, and is left out. */
  add(key: string, value: string | undefined): void {
    if (key === '' || !value || this.values.has(key)) return;
    const { tags, tagKeyCharacters, tagValueCharacters } = this.limits;
    if (key.length > tagKeyCharacters || value.length > tagValueCharacters) {
      throw malformed(
        `the tag ${JSON.stringify(key.slice(0, 40))} is longer than ${tagKeyCharacters} characters, or its value than ${tagValueCharacters}. Shorten it.`,
      );
    }
    if (this.values.size >= tags) throw malformed(`the upload has more than ${tags} tags. Send fewer.`);
    this.values.set(key, value);
  }

  /** Takes a tag away and returns its value. */
  take(key: string): string | undefined {
    const value = this.values.get(key);
    this.values.delete(key);
    return value;
  }

  all(): Tag[] {
    return [...this.values];
  }
}

/** A name that a client gives, of a service or an attachment, within its limit. Throws a Refusal beyond, and for an empty one. */
export function checkedName(name: string, what: string, limits: Limits): string {
  if (name !== '' && name.length <= limits.nameCharacters) return name;
  throw malformed(
    name === ''
      ? `the name of ${what} is missing. Send one.`
      : `the name of ${what} is longer than ${limits.nameCharacters} characters. Shorten it.`,
  );
}
