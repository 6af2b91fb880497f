import { type GivenFrame, type GivenProfile, type GivenSample, MARKUP, MINUTE } from './samples.js';

const frame = (name: string, file: string, line: number): GivenFrame => ({
  name,
  file: `/srv/shop/src/${file}`,
  line,
  kind: 'app',
  package: '(your code)',
});

const sample = (
  stack: GivenFrame[],
  labels: Record<string, string>,
  values: Record<string, number>,
): GivenSample => ({
  stack: [frame('serve', 'server.ts', 3), ...stack],
  labels: new Map(Object.entries(labels)),
  values: new Map(Object.entries(values)),
  end: 0,
});

const MS = 1e6;

/** Exceptions and locks as ddtrace for Python tells them, of the shop's last minute. */
export function problemProfiles(end: number): GivenProfile[] {
  const raised = (type: string, message: string, count: number, name: string) =>
    sample(
      [frame(name, 'order.ts', 5)],
      { 'exception type': type, ...(message && { 'exception message': message }) },
      { 'exception-samples': count },
    );
  const taken = (lock: string, count: number, wait: number, name: string) =>
    sample(
      [frame(name, 'cache.ts', 20)],
      { 'lock name': lock },
      { 'lock-acquire': count, 'lock-acquire-wait': wait * MS },
    );
  const given = (lock: string, count: number, hold: number) =>
    sample(
      [frame('release', 'cache.ts', 30)],
      { 'lock name': lock },
      { 'lock-release': count, 'lock-release-hold': hold * MS },
    );
  return [
    {
      id: 'problems',
      service: 'shop',
      from: end - MINUTE,
      to: end,
      kind: 'wall',
      tags: new Map([['runtime-id', 'problems']]),
      samples: [
        raised('TypeError', 'x is not a function', 13, 'parse'),
        raised('TypeError', MARKUP, 7, 'check'),
        raised('RangeError', '', 3, 'parse'),
        taken('cache', 11, 220, 'get'),
        taken('cache', 5, 100, 'put'),
        given('cache', 16, 48),
        taken('log', 2, 1, 'write'),
      ],
    },
  ];
}

/** A source file of the fixture, with text on the lines that its samples name. */
export const CART = {
  text: Array.from({ length: 60 }, (_, index) => `const line${index + 1} = ${index + 1}; // <b>`).join('\n'),
  modified: 0,
  repositoryPath: 'src/cart.ts',
};
