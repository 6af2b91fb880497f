import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ROOT } from '../support/spawn.js';
import { answersIn, messagesIn } from './messages.js';

/** What speaks in a program and in `everflame run`; `top` and `flame` read files and say so at the prompt. */
const FOLDERS = ['', 'config', 'inspector', 'output', 'provenance', 'upload', 'workers'];
/** In these functions make lines that others say. */
const FILES = [
  'src/profiler.ts',
  'src/troubles.ts',
  'src/why-not-now.ts',
  'src/upload/place.ts',
  'src/upload/station.ts',
  'src/cli/run.ts',
  'src/cli/run-outcome.ts',
  'src/cli/sent-summary.ts',
];
/** Of a longest piece of text so much has to be in the page; what follows may be put in other words. */
const ENOUGH = 36;

const page = readFileSync(join(ROOT, 'docs', 'troubleshooting.md'), 'utf8');

/** The text that tells a message from others. */
function mark(pieces: string[]): string {
  const longest = pieces.reduce((best, piece) => (piece.length > best.length ? piece : best), '');
  return longest
    .replace(/^[\s:;.,()]+/, '')
    .slice(0, ENOUGH)
    .trim();
}

test('each line of the profiler is in docs/troubleshooting.md', (t) => {
  const messages = messagesIn(FOLDERS);
  const answers = answersIn(FILES);
  // Fewer are a sign that the source is not read as it was.
  t.true(messages.length > 35, `${messages.length} messages`);
  t.true(answers.length > 15, `${answers.length} answers`);
  for (const { file, pieces } of [...messages, ...answers]) {
    t.true(page.includes(mark(pieces)), `${file}: "${mark(pieces)}" of: ${pieces.join('<…>')}`);
  }
});

test('a message that is not there would be found', (t) => {
  t.false(page.includes(mark(['', ' is a line that nobody has ever written down anywhere'])));
});

test('each page of docs that is linked to is there', (t) => {
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  const texts = [['README.md', ''] as const, ...pages.map((name) => [name, 'docs'] as const)];
  for (const [name, folder] of texts) {
    const text = readFileSync(join(ROOT, folder, name), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+\.md)[^)]*\)/g)) {
      t.notThrows(() => readFileSync(join(ROOT, folder, target)), `${name} links to ${target}`);
    }
  }
});
