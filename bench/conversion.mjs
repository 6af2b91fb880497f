import { fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HELP = `Usage: node bench/conversion.mjs <profile>

How long it takes to make of a profile what Pyroscope and OpenTelemetry receivers take: the first time in a process and
later, on its clock and in CPU time, with the memory that is in use after it. Make a profile with:
  everflame run --output . --period 60 node <program>
`;
const PROGRAM = fileURLToPath(new URL('inside/convert.cjs', import.meta.url));
const ROUNDS = 10;
const PROCESSES = 5;

const [, , path] = process.argv;
if (!path) {
  process.stdout.write(HELP);
  process.exit(1);
}

async function measure(receiver) {
  const child = fork(PROGRAM, [receiver, path, String(ROUNDS)]);
  const [result] = await once(child, 'message');
  return result;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

console.log(
  `${statSync(path).size} bytes, medians of ${PROCESSES} processes; "later" is the last of ${ROUNDS} turns\n`,
);
console.log('| receiver | first, ms | CPU | later, ms | CPU | memory, MB | requests | bytes |');
console.log('|---|---|---|---|---|---|---|---|');
for (const receiver of ['pyroscope', 'otlp', 'otlp, timeline']) {
  const results = [];
  for (let process = 0; process < PROCESSES; process++) results.push(await measure(receiver));
  const figure = (read) => median(results.map(read)).toFixed(0);
  const cells = [
    ...[0, ROUNDS - 1].flatMap((turn) => [
      figure(({ turns }) => turns[turn].milliseconds),
      figure(({ turns }) => turns[turn].cpuMilliseconds),
    ]),
    figure(({ residentBytes }) => residentBytes / 1e6),
    figure(({ requests }) => requests),
    figure(({ bytes }) => bytes),
  ];
  console.log(`| ${receiver} | ${cells.join(' | ')} |`);
}
