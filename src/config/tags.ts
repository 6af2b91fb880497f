import type { Tag } from '../upload/upload';
import { plainText, shown } from './plain-text';

/** The user's own tags, and one sentence for each source that had some that cannot be used. */
export interface TagsResult {
  tags: Tag[];
  warnings: string[];
}

const OPTION = 'The option "tags"';
const IN_TEXT = 'Write each as key:value, with commas between them, such as team:checkout,region:eu';
const IN_OBJECT = "Write them as an object of texts, such as { team: 'checkout' }, or as one text";
/** Bad tags that a warning names: a list of hundreds tells no more. */
const MOST_NAMED = 3;

/**
 * The tags of a process: those of the option `tags` over those of `DD_PROFILING_TAGS`, and those over `DD_TAGS`. Each key is
 * there once. Receivers refuse a whole upload for one bad tag (libdatadog), so bad ones are left out and told.
 */
export function resolveTags(option: unknown, environment: NodeJS.ProcessEnv): TagsResult {
  const tags = new Map<string, string>();
  const warnings: string[] = [];
  const add = ({ tags: more, warnings: told }: TagsResult): void => {
    for (const [key, value] of more) tags.set(key, value);
    warnings.push(...told);
  };
  for (const name of ['DD_TAGS', 'DD_PROFILING_TAGS']) {
    const text = environment[name];
    if (text) add(parseTags(name, text));
  }
  if (option !== undefined && option !== null) add(readOption(option));
  return { tags: [...tags], warnings };
}

/** Tags written as text: separated by commas, or by spaces where there is no comma. `source` is for the warning. */
export function parseTags(source: string, text: string): TagsResult {
  const pieces = text.split(text.includes(',') ? ',' : /\s+/).map((piece) => piece.trim());
  const tags: Tag[] = [];
  const bad: string[] = [];
  for (const piece of pieces) {
    // Two commas in a row, or one at the end, say nothing and lose nothing.
    if (piece === '') continue;
    const colon = piece.indexOf(':');
    const tag = toTag(piece.slice(0, Math.max(colon, 0)), piece.slice(colon + 1));
    if (tag) tags.push(tag);
    else bad.push(shown(piece));
  }
  return { tags: eachKeyOnce(tags), warnings: warningFor(source, bad, IN_TEXT) };
}

function readOption(option: unknown): TagsResult {
  try {
    return parseOption(option);
  } catch {
    // A Proxy of the program's own threw.
    return { tags: [], warnings: [`${OPTION} cannot be read and is ignored. ${IN_OBJECT}.`] };
  }
}

function parseOption(option: unknown): TagsResult {
  if (typeof option === 'string') return parseTags(OPTION, option);
  if (typeof option !== 'object' || option === null || Symbol.iterator in option) {
    const found = typeof option === 'object' ? 'a list' : `a ${typeof option}`;
    return { tags: [], warnings: [`${OPTION} is ${found} and is ignored. ${IN_OBJECT}.`] };
  }
  return parseObject(option);
}

function parseObject(option: object): TagsResult {
  const tags: Tag[] = [];
  const bad: string[] = [];
  for (const key of Object.keys(option)) {
    const tag = toTag(key.replace(/:/g, '_'), textOf(option, key));
    if (tag) tags.push(tag);
    else bad.push(shown(key));
  }
  return { tags: eachKeyOnce(tags), warnings: warningFor(OPTION, bad, IN_OBJECT) };
}

/** The value of a key as text; empty where it is none. */
function textOf(option: object, key: string): string {
  let value: unknown;
  try {
    value = (option as Record<string, unknown>)[key];
  } catch {
    // A getter of the program's own threw.
    return '';
  }
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value) ? String(value) : '';
}

/** The value of a setting that is a tag of its own; undefined, with one sentence, where it cannot be one. */
export function settingTag(
  source: string,
  key: string,
  value: string,
  warnings: string[],
): string | undefined {
  const tag = toTag(key, value);
  if (!tag) {
    warnings.push(
      `${source} is ${shown(value)}, which cannot be a tag, and is left out. Write it without a colon at its end.`,
    );
  }
  return tag?.[1];
}

/** A tag without a character that would split it; undefined where nothing is left of its key or value, or it ends with `:`. */
function toTag(key: string, value: string): Tag | undefined {
  // There is no escape for a comma.
  const [cleanKey = '', cleanValue = ''] = [key, value].map((text) =>
    plainText(text.trim()).replace(/,/g, '_'),
  );
  return cleanKey === '' || cleanValue === '' || cleanValue.endsWith(':')
    ? undefined
    : [cleanKey, cleanValue];
}

function eachKeyOnce(tags: Tag[]): Tag[] {
  return [...new Map(tags)];
}

function warningFor(source: string, bad: string[], remedy: string): string[] {
  if (bad.length === 0) return [];
  const named = bad.slice(0, MOST_NAMED).join(', ');
  const more = bad.length > MOST_NAMED ? ` and ${bad.length - MOST_NAMED} more` : '';
  const [noun, verb] = bad.length === 1 ? ['tag', 'is'] : ['tags', 'are'];
  return [
    `${source} has the ${noun} ${named}${more} without a key or a value, which ${verb} left out. ${remedy}.`,
  ];
}
