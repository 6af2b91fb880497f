/** The process that converts one file: its bytes come by standard input, what is known of it stands in the argument. */
import { writeAnswer } from './answer';
import { convert } from './convert';
import type { FileFacts } from './file-time';
import { NotImportable } from './not-importable';

const pieces: Buffer[] = [];
process.stdin.on('data', (piece: Buffer) => pieces.push(piece));
process.stdin.on('end', () => {
  for (const piece of answerTo(Buffer.concat(pieces.splice(0)))) process.stdout.write(piece);
});

function answerTo(data: Buffer): Buffer[] {
  try {
    return writeAnswer(convert(data, JSON.parse(process.argv[2] ?? '') as FileFacts));
  } catch (error) {
    if (!(error instanceof NotImportable)) throw error;
    return [Buffer.from(`${JSON.stringify({ reason: error.message })}\n`)];
  }
}
