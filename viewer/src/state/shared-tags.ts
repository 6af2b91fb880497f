/** The tags that all of several have, with the same value: what they cannot be told apart by. Of one alone none is. */
export function sharedTags(all: readonly Readonly<Record<string, string>>[]): Map<string, string> {
  const [first, ...others] = all;
  if (first === undefined || others.length === 0) return new Map();
  const hasSame = (key: string, value: string) =>
    others.every((tags) => Object.hasOwn(tags, key) && tags[key] === value);
  return new Map(Object.entries(first).filter(([key, value]) => hasSame(key, value)));
}
