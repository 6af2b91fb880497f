import type { Converted } from './convert';

/**
 * What the process that converts hands back, on its standard output: a line of JSON, and behind it the bytes of the parts, one after the
 * other.
 */
export interface Heading {
  format: Converted['format'];
  parts: { name: string; bytes: number }[];
}

/** In place of the heading: why there is nothing. */
export interface Failure {
  reason: string;
}

export function writeAnswer({ format, parts }: Converted): Buffer[] {
  const heading: Heading = { format, parts: parts.map(({ name, data }) => ({ name, bytes: data.length })) };
  return [Buffer.from(`${JSON.stringify(heading)}\n`), ...parts.map(({ data }) => data)];
}

/** Undefined where the answer is not whole. */
export function readAnswer(answer: Buffer): Converted | Failure | undefined {
  const end = answer.indexOf('\n');
  if (end < 0) return undefined;
  const heading = JSON.parse(answer.toString('utf8', 0, end)) as Heading | Failure;
  if ('reason' in heading) return heading;
  let place = end + 1;
  const parts = heading.parts.map(({ name, bytes }) => {
    const data = answer.subarray(place, place + bytes);
    place += bytes;
    return { name, data };
  });
  return place === answer.length ? { format: heading.format, parts } : undefined;
}
