import { work as first } from './first.js';
import { work as second } from './second.js';

type Work = (rounds: { many: number }) => number;

/** Calls a function until it has used so many milliseconds of CPU time; what it used, in microseconds. */
function spend(work: Work, milliseconds: number): number {
  const used = (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  const start = used();
  while (used() - start < milliseconds * 1000) work({ many: 5e5 });
  return used() - start;
}

const spent = { first: 0, second: 0 };
for (let turn = 0; turn < 3; turn++) {
  spent.first += spend(first, 300);
  spent.second += spend(second, 200);
}
console.log(JSON.stringify(spent));
