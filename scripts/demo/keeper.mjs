import { spawn } from 'node:child_process';

/** Interrupts a group as Ctrl+C does when its input ends, and kills what is still there after some seconds. */
const SCRIPT = `
read line
kill -s INT -- "-$1" || exit
for second in $(seq "$2"); do
  sleep 1
  kill -s 0 -- "-$1" || exit
done
kill -s KILL -- "-$1"`;

/**
 * Ends a process group when this script has gone, also where nothing could announce it (SIGKILL): a shell waits for the end of a pipe
 * that this script alone holds open. Returns the function that ends this care.
 * @param {number} leader of the group
 * @param {number} seconds that it may take to end
 */
export function keep(leader, seconds) {
  const shell = spawn('sh', ['-c', SCRIPT, 'sh', String(leader), String(seconds)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Whoever kills the group of this script means this one too, and not the shell that is there for that.
    detached: true,
  });
  shell.unref();
  const release = () => {
    process.removeListener('exit', release);
    shell.kill('SIGKILL');
  };
  // An end that this script notices is its own matter.
  process.once('exit', release);
  return release;
}
