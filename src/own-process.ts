import { spawn } from 'node:child_process';

/** What a process may take. */
export interface ProcessLimits {
  /** Of V8's heap. */
  mebibytes: number;
  milliseconds: number;
}

/** How a process came to its end. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What it wrote to its standard output. */
  output: Buffer;
  /** The beginning of what it wrote to its standard error. */
  said: string;
  /** It was ended because its time was over. */
  isLate: boolean;
}

/** Of what the process says on its standard error. */
const MOST_SAID = 4096;
/** Each with an environment in which nobody's preload and options are. */
const KEPT_VARIABLES = ['PATH', 'LD_LIBRARY_PATH', 'TMPDIR', 'TZ', 'SYSTEMROOT'];

/**
 * Runs one script of this package at a time in a process of its own, with some bytes as its standard input. Not on a thread: a thread whose
 * memory is at its end in the middle of `JSON.parse` takes the whole process with it, whatever its `resourceLimits` say.
 */
export class OwnProcess {
  private last: Promise<unknown> = Promise.resolve();
  private end: (() => void) | undefined;
  private isClosed = false;

  constructor(
    private readonly script: string,
    private readonly limits: ProcessLimits,
  ) {}

  /** Undefined where `close` comes first. Rejects where no process can be started. */
  async run(argument: unknown, input?: Buffer): Promise<ProcessEnd | undefined> {
    const done = this.last.then(() => (this.isClosed ? undefined : this.start(argument, input)));
    this.last = done.catch(() => undefined);
    const end = await done;
    return this.isClosed ? undefined : end;
  }

  /** Ends what is under way. */
  close(): void {
    this.isClosed = true;
    this.end?.();
  }

  private start(argument: unknown, input: Buffer | undefined): Promise<ProcessEnd> {
    const { mebibytes, milliseconds } = this.limits;
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${mebibytes}`, this.script, JSON.stringify(argument)],
      { env: ownEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] },
    );
    this.end = () => child.kill('SIGKILL');
    return new Promise((resolve, reject) => {
      const output: Buffer[] = [];
      let said = '';
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        child.kill('SIGKILL');
      }, milliseconds);
      child.stdout.on('data', (piece: Buffer) => output.push(piece));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(0, MOST_SAID);
      });
      // One that ends before it has read everything tells why by its end.
      child.stdin.on('error', () => undefined).end(input);
      child.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        this.end = undefined;
        resolve({ code, signal, output: Buffer.concat(output), said, isLate });
      });
    });
  }
}

/** Whether V8 has ended a process because its heap was full. */
export function isOutOfMemory({ said }: ProcessEnd): boolean {
  return /heap out of memory|heap limit/.test(said);
}

/** How a process ended that should not have, as a part of a sentence. */
export function causeOf({ said, signal, code }: ProcessEnd): string {
  const [line = ''] = said.split('\n').filter((text) => /Error/.test(text));
  return `ended with ${signal ?? code}. ${line}`.trim();
}

function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    KEPT_VARIABLES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
