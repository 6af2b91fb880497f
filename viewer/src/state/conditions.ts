/** A condition of `where`, taken apart. */
export interface Condition {
  key: string;
  value: string;
  not: boolean;
}

/** Takes a condition apart; undefined for a text without a key. */
export function parseCondition(text: string): Condition | undefined {
  const [, not, key, value] = text.match(/^(!?)([^:]+):(.*)$/s) ?? [];
  return key === undefined ? undefined : { key, value: value as string, not: not === '!' };
}

/** How tables name the samples that have no value of a key. */
const NO_VALUE = '(none)';

/** The value that a row of a table by a key stands for; empty for the samples that have none. */
export function valueOfRow(name: string): string {
  return name === NO_VALUE ? '' : name;
}

export function printCondition({ key, value, not }: Condition): string {
  return `${not ? '!' : ''}${key}:${value}`;
}

/** The same condition the other way round. */
export function inverted(text: string): string {
  return text.startsWith('!') ? text.slice(1) : `!${text}`;
}

/** Adds a condition, in place of its opposite where that is there. */
export function withCondition(where: readonly string[], added: string): string[] {
  return [...where.filter((text) => text !== added && text !== inverted(added)), added];
}

/** Takes a condition away where it is there, else adds it. */
export function toggled(where: readonly string[], text: string): string[] {
  return where.includes(text) ? where.filter((other) => other !== text) : withCondition(where, text);
}
