import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Step in which the witness is looked at. A group's signals are all sent within the first. */
const STEP_MILLISECONDS = 50;
/** How many steps are waited for its death where the system does not tell its state. */
const BLIND_STEPS = 8;
/** How many at most: somebody may have stopped it. */
const MOST_STEPS = 40;
/** How long after a witness's death a signal still counts as the one it died of. */
const REST_MILLISECONDS = 200;
/** How long its end is waited for, so that no zombie is left to a process 1 that reaps none. */
const END_MILLISECONDS = 500;
/** Waits for a line that never comes, and ends with whoever started it. A core dump of it would help nobody. */
const WITNESS = ['-c', 'ulimit -c 0; read line'] as const;

/**
 * Tells a signal that the program has got too from one that was sent to this process alone, which the system does not say.
 * A terminal sends to every process of the foreground group, systemd and other supervisors to every process of a service:
 * a small process is kept beside the program, which dies of the one and outlives the other.
 */
export class SignalWitness {
  private process: ChildProcess | undefined;
  /** By which signal it died; null where it ended by itself. */
  private death: Promise<NodeJS.Signals | null> | undefined;

  constructor() {
    this.begin();
  }

  /** Whether others got the signal too that this process just got. Undefined where that cannot be told. */
  async saw(signal: NodeJS.Signals): Promise<boolean | undefined> {
    const { death, process } = this;
    if (!death || process?.pid === undefined) return undefined;
    let died: NodeJS.Signals | null | undefined;
    death.then((by) => {
      died = by;
    });
    for (let step = 1; step <= MOST_STEPS; step++) {
      await Promise.race([death, sleep(STEP_MILLISECONDS)]);
      // Killed by hand, or for want of memory, or no shell at all: that says nothing.
      if (died === null || died === 'SIGKILL') return undefined;
      if (died !== undefined) return died === signal;
      // Not by time alone: a busy machine may take its time to let the witness die.
      if (isUntouched(process.pid) ?? step === BLIND_STEPS) return false;
    }
    return undefined;
  }

  async end(): Promise<void> {
    const { death, process } = this;
    this.death = undefined;
    this.process = undefined;
    process?.kill('SIGKILL');
    if (process?.pid !== undefined)
      await Promise.race([death, sleep(END_MILLISECONDS, undefined, { ref: false })]);
  }

  private begin(): void {
    let witness: ChildProcess;
    try {
      witness = spawn('sh', WITNESS, { stdio: ['pipe', 'ignore', 'ignore'] });
    } catch {
      // As where the shell is missing: no witness.
      return;
    }
    this.process = witness;
    witness.once('error', () => {
      if (this.process === witness) this.process = undefined;
    });
    this.death = new Promise((resolve) => {
      witness.once('exit', (_code, signal) => {
        resolve(signal);
        // What ends by itself is no witness.
        if (signal === null) return;
        // The next Ctrl+C is to be seen too. Not at once: the same Ctrl+C may be told to this process after the death.
        const next = setTimeout(() => {
          if (this.process === witness) this.begin();
        }, REST_MILLISECONDS);
        next.unref();
      });
    });
  }
}

/**
 * The process group of a process (proc(5), stat), to which a terminal and others send signals. Undefined where the system
 * does not tell, or the process is gone.
 */
export function groupOf(pid: number | undefined): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined;
  }
}

/**
 * Whether a process sleeps and no signal is on its way to it (proc(5), status): then it was sent none. Undefined
 * where the system has no such file.
 */
function isUntouched(pid: number): boolean | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return /^State:\tS/m.test(status) && !/^(Sig|Shd)Pnd:\t0*[1-9a-f]/m.test(status);
  } catch {
    return undefined;
  }
}
