import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Step in which the witness is looked at. A group's signals are all sent within the first. */
const STEP_MILLISECONDS = 50;
/** How many steps are waited for its death where the system does not tell its state. */
const BLIND_STEPS = 8;
/** How long after a witness's death a signal still counts as the one it died of. */
const REST_MILLISECONDS = 200;
/** Waits for a line that never comes, and ends with whoever started it. A core dump of it would help nobody. */
const WITNESS = ['-c', 'ulimit -c 0; read line'] as const;

/**
 * Tells a signal that the program has got too from one that was sent to this process alone, which the system does not say.
 * A terminal sends to every process of the foreground group, systemd and other supervisors to every process of a service:
 * a small process is kept beside the program, which dies of the one and outlives the other.
 */
export class SignalWitness {
  private process: ChildProcess | undefined;
  private death: Promise<boolean> | undefined;

  constructor() {
    this.begin();
  }

  /** Whether others got the signal too that this process just got. Undefined where that cannot be told. */
  async sawSignal(): Promise<boolean | undefined> {
    const { death, process } = this;
    if (!death || process?.pid === undefined) return undefined;
    let dead = false;
    death.then(() => {
      dead = true;
    });
    for (let step = 1; ; step++) {
      await Promise.race([death, sleep(STEP_MILLISECONDS)]);
      if (dead) return true;
      // Not by time alone: a busy machine may take its time to let the witness die.
      if (isUntouched(process.pid) ?? step === BLIND_STEPS) return false;
    }
  }

  end(): void {
    const { process } = this;
    this.death = undefined;
    this.process = undefined;
    process?.kill('SIGKILL');
  }

  private begin(): void {
    const witness = spawn('sh', WITNESS, { stdio: ['pipe', 'ignore', 'ignore'] });
    this.process = witness;
    // Without a shell there is no witness.
    witness.once('error', () => this.end());
    this.death = new Promise((resolve) => {
      witness.once('exit', () => {
        resolve(true);
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
