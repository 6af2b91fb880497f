import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/spawn.js';

/** A line that the profiler can say, as its source has it. */
export interface Message {
  file: string;
  /** The text between what is put in, each piece by itself. */
  pieces: string[];
}

/** A text in the source. In one of backticks others may stand, in what is put in. */
const LITERAL =
  /(`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^`{}]|`[^`]*`|\{[^{}]*\})*\})*`|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")/;

/** What is called with a text for people; of an error its second argument. Debugging is for those who read the source. */
const CALLS = new RegExp(
  /(?:(?:logger|\))\??\.(?:error|warn|notice|info)\(|[wW]arnings\.push\(|warnings: \[|new EverflameError\(\s*'\w+',)\s*/
    .source + LITERAL.source,
  'g',
);

/** A text that a function answers with, or one of several. */
const ANSWERS = new RegExp(/(?:\breturn|&&|[?:])\s*/.source + LITERAL.source, 'g');
const FEWEST_WORDS = 5;

/** The messages of files of src in which functions put together whole lines. What is put behind another, and words, are not among them. */
export function answersIn(files: readonly string[]): Message[] {
  return files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(ANSWERS)]
      .map(([, literal]) => ({ file, pieces: piecesOf(literal as string) }))
      .filter(({ pieces }) => /^\S/.test(pieces.join('x')))
      .filter(({ pieces }) => pieces.join('x').split(' ').length >= FEWEST_WORDS),
  );
}

/** The messages of some folders of src. What is put together from parts without a text of its own is not among them. */
export function messagesIn(folders: readonly string[]): Message[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, 'src', folder), { withFileTypes: true, recursive: folder !== '' })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(CALLS)].map(([, literal]) => ({
          file: file.slice(ROOT.length + 1),
          pieces: piecesOf(literal as string),
        })),
      ),
  );
}

/** The text of a literal, cut where something is put in. */
function piecesOf(literal: string): string[] {
  const pieces: string[] = [];
  let [piece, depth] = ['', 0];
  for (let at = 1; at < literal.length - 1; at++) {
    const two = literal.slice(at, at + 2);
    if (depth === 0 && literal[0] === '`' && two === '${') {
      pieces.push(piece);
      piece = '';
      depth = 1;
      at += 1;
    } else if (depth > 0) depth += literal[at] === '{' ? 1 : literal[at] === '}' ? -1 : 0;
    else if (literal[at] === '\\') piece += literal[++at];
    else piece += literal[at];
  }
  return [...pieces, piece];
}
