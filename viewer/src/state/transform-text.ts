import type { Transform } from '../graph/index.js';

/** A sub-tree whose path is that of a graph in which runs are folded. */
const FOLDED_SUBTREE = 'folded-subtree';

/**
 * Reads what {@link printTransform} wrote: the kind, then its texts, each encoded, with colons between.
 * @returns undefined for anything else
 */
export function parseTransform(text: string): Transform | undefined {
  const [kind, ...encoded] = text.split(':');
  let texts: string[];
  try {
    texts = encoded.map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const [first, second] = texts;
  switch (kind) {
    case 'invert':
      return texts.length === 0 ? { kind } : undefined;
    case 'collapse':
      if (first === undefined) return { kind };
      return texts.length === 2 ? { kind, name: first, file: second as string } : undefined;
    case 'focus':
    case 'hide':
      return texts.length === 2 ? { kind, name: first as string, file: second as string } : undefined;
    case 'hide-package':
    case 'merge-package':
      return texts.length === 1 ? { kind, package: first as string } : undefined;
    case 'subtree':
    case FOLDED_SUBTREE:
      if (texts.length === 0 || texts.length % 2 !== 0) return undefined;
      return { kind: 'subtree', path: pairsOf(texts), ...(kind === FOLDED_SUBTREE && { isFolded: true }) };
    default:
      return undefined;
  }
}

/** Writes a transform for the address. */
export function printTransform(transform: Transform): string {
  const isFolded = transform.kind === 'subtree' && transform.isFolded;
  return [isFolded ? FOLDED_SUBTREE : transform.kind, ...textsOf(transform).map(encode)].join(':');
}

function textsOf(transform: Transform): string[] {
  switch (transform.kind) {
    case 'invert':
      return [];
    case 'collapse':
      return transform.name === undefined ? [] : [transform.name, transform.file ?? ''];
    case 'focus':
    case 'hide':
      return [transform.name, transform.file];
    case 'hide-package':
    case 'merge-package':
      return [transform.package];
    case 'subtree':
      return transform.path.flatMap(({ name, file }) => [name, file]);
  }
}

function pairsOf(texts: string[]): { name: string; file: string }[] {
  return texts.flatMap((name, index) =>
    index % 2 === 0 ? [{ name, file: texts[index + 1] as string }] : [],
  );
}

/** A name may have half a surrogate pair, which `encodeURIComponent` throws at. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'));
}
