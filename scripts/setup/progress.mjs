/**
 * Runs one step of a script between a line that names it and one that says how long it took.
 * @param {(line: string) => void} [say] takes each line; standard output is not for it where a script's result goes there
 */
export async function step(title, body, say = console.log) {
  say(`${title} …`);
  const start = performance.now();
  const result = await body();
  say(`  done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}
