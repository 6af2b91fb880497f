import { join } from 'node:path';
import { mock } from 'node:test';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { ROOT } from '../support/spawn.js';

interface Uptime {
  say(line: string): void;
  end(): void;
}
interface Stream {
  isTTY: boolean;
  write(text: string): void;
}

const MODULE = pathToFileURL(join(ROOT, 'scripts', 'demo', 'uptime.mjs')).href;

/** What is written of a demo that is up for so many seconds, by a clock of the test's own, and has news in the second of them. */
async function written(isTTY: boolean, seconds: number): Promise<string> {
  const { showUptime } = (await import(MODULE)) as { showUptime(stream: Stream): Uptime };
  const { now } = performance;
  let clock = 1000;
  performance.now = () => clock;
  mock.timers.enable({ apis: ['setInterval'] });
  let text = '';
  try {
    const uptime = showUptime({
      isTTY,
      write: (part) => {
        text += part;
      },
    });
    for (let second = 1; second <= seconds; second++) {
      clock += 1000;
      mock.timers.tick(1000);
      if (second === 2) uptime.say('news');
    }
    uptime.end();
    uptime.end();
    mock.timers.tick(120_000);
    return text;
  } finally {
    performance.now = now;
    mock.timers.reset();
  }
}

test.serial('on a terminal one line shows the seconds, and news take its place', async (t) => {
  const line = (seconds: number) => `\rup and under load for ${seconds} s`;
  t.is(await written(true, 3), `${line(1)}${line(2)}\r\x1b[Knews\n${line(3)}\r\x1b[K\r\x1b[K`);
});

test.serial('without a terminal a line comes each minute', async (t) => {
  const lines = [...Array(61).keys()].slice(1).map((minute) => {
    const time = minute === 60 ? '1 h' : `${minute} min`;
    return `up and under load for ${time}\n`;
  });
  t.is(await written(false, 3659), `news\n${lines.join('')}`);
});
