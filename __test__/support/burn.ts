/**
 * Text for programs of one file: `burn(ms)` uses so many milliseconds of CPU time. By CPU time and not by the clock, so
 * that a busy machine makes a program longer and not emptier.
 */
export const BURN = `function burn(ms) {
  const end = process.cpuUsage().user + ms * 1000;
  while (process.cpuUsage().user < end) for (let i = 0; i < 1e4; i++) Math.sqrt(i);
}
`;
