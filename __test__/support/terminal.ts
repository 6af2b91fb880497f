import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';

const hasScript = spawnSync('script', ['--version']).status === 0;

/** A test at a terminal, or the reason why there is none. */
export function terminalTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (hasScript) test.serial(title, body);
  else test.skip(`${title}: there is no "script" (util-linux) to make a terminal`, body);
}

/** What runs a shell's command at a terminal of its own: its output is the command's, and so is its exit code. */
export function withTerminal(command: string): [program: string, args: string[]] {
  // `-e` hands on the exit code, `-q` says nothing, `-c` is the command.
  return ['script', ['-qec', command, '/dev/null']];
}
