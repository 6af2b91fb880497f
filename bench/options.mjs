import { parseArgs } from 'node:util';
import { PROFILERS } from './profilers.mjs';

export const SECTIONS = [
  'service',
  'programs',
  'pauses',
  'start',
  'workers',
  'delivery',
  'idle',
  'handler',
  'install',
  'store',
];

const FULL = {
  rounds: 5,
  seconds: 20,
  warmupSeconds: 5,
  fillSeconds: 6,
  flushes: 5,
  starts: 15,
  workers: 30,
  periodSeconds: 4,
  uploads: 5,
};
/** Shows that everything runs; its figures mean nothing. */
const QUICK = {
  rounds: 1,
  seconds: 2,
  warmupSeconds: 1,
  fillSeconds: 1,
  flushes: 1,
  starts: 1,
  workers: 2,
  periodSeconds: 1,
  uploads: 2,
};

export const HELP = `Usage: npm run bench -- [options]

  --only SECTION,…      some of: ${SECTIONS.join(', ')}
  --profilers NAME,…    some of: ${Object.keys(PROFILERS).join(', ')}; "none" is what the others are compared with
  --rounds N            interleaved rounds of service, programs, workers, delivery, handler and store, ${FULL.rounds}; pauses
                        have a third of them with ${FULL.flushes} flushes each, start has ${FULL.starts}, idle and install one
  --seconds N           measured seconds of one run, and the period of the profilers in it, ${FULL.seconds}
  --warmup N            seconds of load before it, ${FULL.warmupSeconds}
  --node PATH           the Node.js to measure with, this one
  --output DIR          where bench.json and bench.md go, bench/results
  --quick               a smoke run: one short round of everything, figures without meaning
  --help                show this text
`;

/** A mistake on the command line; its message is all that the user needs. */
export class UsageError extends Error {}

function choose(text, allowed, option) {
  if (text === undefined) return allowed;
  const names = text.split(',');
  const unknown = names.filter((name) => !allowed.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(`${option}: there is no ${unknown.join(', ')}; allowed are ${allowed.join(', ')}.`);
  }
  return allowed.filter((name) => names.includes(name));
}

/** The number that an option gives; throws a {@link UsageError} where it is none above 0. */
export function positive(text, otherwise, option) {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0) || !Number.isInteger(value)) {
    throw new UsageError(`${option}: "${text}" is not a whole number above 0.`);
  }
  return value;
}

/** Reads the command line; throws a {@link UsageError} that names the option and what it allows. */
export function readOptions(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        only: { type: 'string' },
        profilers: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        warmup: { type: 'string' },
        node: { type: 'string', default: process.execPath },
        output: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${HELP}`);
  }
  const defaults = values.quick ? QUICK : FULL;
  return {
    ...defaults,
    help: values.help,
    quick: values.quick,
    node: values.node,
    output: values.output,
    sections: choose(values.only, SECTIONS, '--only'),
    profilers: choose(values.profilers, Object.keys(PROFILERS), '--profilers'),
    rounds: positive(values.rounds, defaults.rounds, '--rounds'),
    seconds: positive(values.seconds, defaults.seconds, '--seconds'),
    warmupSeconds: positive(values.warmup, defaults.warmupSeconds, '--warmup'),
  };
}
