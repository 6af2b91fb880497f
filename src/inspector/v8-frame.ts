import { fileURLToPath } from 'node:url';
import type { FrameInput } from './builder';
import type { V8Node } from './v8-profile';

type CallFrame = V8Node['callFrame'];

/** The line at which a function starts, from 1; 0 where there is none. */
export function startLine({ lineNumber }: CallFrame): number {
  return Math.max(0, lineNumber + 1);
}

/** A function of V8's as a frame of a profile, with the line that was executing. */
export function frameOf(callFrame: CallFrame, line: number): FrameInput {
  const { url, scriptId } = callFrame;
  const file = url === '' && scriptId !== '0' ? '(eval)' : filePath(url);
  return { name: functionName(callFrame), file, startLine: startLine(callFrame), line };
}

/** Functions without a name are told apart by their place. */
function functionName({ functionName: name, lineNumber, columnNumber }: CallFrame): string {
  if (name !== '') return name;
  return lineNumber < 0 ? '(anonymous)' : `(anonymous:L#${lineNumber + 1}:C#${columnNumber + 1})`;
}

function filePath(url: string): string {
  if (!url.startsWith('file:')) return url;
  try {
    return fileURLToPath(url);
  } catch {
    // Not a path on this system (a remote host, a malformed escape): the address itself is the best name.
    return url;
  }
}
