import { visible } from './visible';

/** What a reader is told who has asked by a key that no sample has: it may be a slip. No lines where some have it. */
export function noSuchKey(rows: readonly { name: string }[], by: string): string[] {
  if (!rows.every(({ name }) => name === '(none)')) return [];
  return [
    '',
    `No sample has ${visible(by)} as a label or tag. "everflame query labels" lists what there is.`,
  ];
}
