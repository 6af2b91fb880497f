import { Advice } from '../setup/commands.mjs';

/** The function behind the example's performance problem; see docs/getting-started.md. */
export const PROBLEM = 'findAuthor';
/** How far up among the service's own functions a reader would look. */
const READ_ROWS = 5;

/**
 * Whether a reader of a table of functions, the most of their own time first, would find the problem.
 * @param {string} where the table is, for the message
 * @param {{ name: string, file: string, kind: string, self: number }[]} rows nanoseconds
 * @returns {{ rank: number, self: number, file: string }} `rank` 1 for the first
 * @throws {Advice} naming the functions that stand there
 */
export function findProblem(where, rows) {
  const own = rows.filter(({ kind }) => kind === 'app').slice(0, READ_ROWS);
  const index = own.findIndex(({ name }) => name === PROBLEM);
  if (index >= 0) return { rank: index + 1, self: own[index].self, file: own[index].file };
  const shown = own.map(({ name, self }) => `  ${(self / 1e6).toFixed(0)} ms  ${name}`).join('\n');
  throw new Advice(
    `${where} does not show the known problem: ${PROBLEM} is not among the first ${READ_ROWS} of the service's own functions.\n` +
      (shown || `  There are no functions of its own among ${rows.length}.`),
  );
}
