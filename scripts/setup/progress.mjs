/** How often a step that goes on is told of: on a terminal in its own line, elsewhere by a line each. */
const TERMINAL_SECONDS = 1;
const REMINDER_SECONDS = 30;

/**
 * Runs one step of a script between a line that names it and one that says how long it took, and shows in between that it
 * is still at work.
 * @param {{ isTTY?: boolean, write(text: string): unknown }} [stream] takes the lines; standard output is not for them where
 *   a script's result goes there
 */
export async function step(title, body, stream = process.stdout) {
  const start = performance.now();
  const passed = () => (performance.now() - start) / 1000;
  const whole = () => `${Math.round(passed())} s`;
  const { isTTY } = stream;
  stream.write(isTTY ? `${title} …` : `${title} …\n`);
  const show = () =>
    stream.write(isTTY ? `\r${title} … ${whole()}` : `  … still ${activity(title)}, ${whole()}\n`);
  const timer = setInterval(show, (isTTY ? TERMINAL_SECONDS : REMINDER_SECONDS) * 1000);
  let result;
  try {
    result = await body();
  } catch (error) {
    // The reason is to begin its own line.
    if (isTTY) stream.write('\n');
    throw error;
  } finally {
    clearInterval(timer);
  }
  const done = `done in ${passed().toFixed(1)} s\n`;
  stream.write(isTTY ? `\r${title} … ${done}` : `  ${done}`);
  return result;
}

/** What a step does, inside a sentence: without what its title adds in brackets. */
function activity(title) {
  return title[0].toLowerCase() + title.slice(1).replace(/ \(.*\)$/, '');
}
