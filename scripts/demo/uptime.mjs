const TERMINAL_SECONDS = 1;
const LINE_SECONDS = 60;

/**
 * Says how long the demo has been up: at a terminal in a line that is written over, elsewhere by a line each minute.
 * @param {{ isTTY?: boolean, write(text: string): unknown }} [stream]
 * @returns {{ say(line: string): void, end(): void }} `say` writes a line of somebody else in between; `end` may be called twice
 */
export function showUptime(stream = process.stdout) {
  const { isTTY } = stream;
  const start = performance.now();
  const show = () => {
    const text = `up and under load for ${duration((performance.now() - start) / 1000)}`;
    stream.write(isTTY ? `\r${text}` : `${text}\n`);
  };
  const timer = setInterval(show, (isTTY ? TERMINAL_SECONDS : LINE_SECONDS) * 1000);
  const clear = isTTY ? '\r\x1b[K' : '';
  return {
    say: (line) => stream.write(`${clear}${line}\n`),
    end: () => {
      clearInterval(timer);
      stream.write(clear);
    },
  };
}

function duration(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const text = ['h', 'min', 's'].map((unit, index) => (parts[index] > 0 ? `${parts[index]} ${unit}` : ''));
  return text.filter(Boolean).join(' ') || '0 s';
}
