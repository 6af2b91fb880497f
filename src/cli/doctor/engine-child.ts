/**
 * Starts the engine for a moment, in a process of its own: whatever it does to it, the doctor lives. The argument has the options as
 * JSON; the answer goes to descriptor 3, as a program's preloads may write to the others.
 */
import { writeSync } from 'node:fs';
import type { EngineOptions, EngineStatus, StartReport } from '../../engine';
import { Logger, reasonOf } from '../../log';
import { loadNative } from '../../native';
import { startEngine } from '../../select-engine';

export interface EngineAnswer {
  node: string;
  v8: string;
  /** The file of the binary, or why there is none. */
  native: { path: string } | { reason: string };
  engine: { report: StartReport; features: EngineStatus['features']; said: string[] } | { failure: string };
}

const ANSWER = 3;

const loaded = loadNative();
const answer: EngineAnswer = {
  node: process.version,
  v8: process.versions.v8,
  native: loaded.ok ? { path: binaryPath() } : { reason: loaded.reason },
  engine: tryEngine(JSON.parse(process.argv[2] ?? '{}') as EngineOptions),
};
writeSync(ANSWER, JSON.stringify(answer));
process.exit(0);

function tryEngine(options: EngineOptions): EngineAnswer['engine'] {
  const said: string[] = [];
  const say = (line: string): void => void said.push(line.replace(/^everflame: /, ''));
  try {
    const engine = startEngine(options, new Logger('warn', { error: say, warn: say, info: say, debug: say }));
    // What stacks hold here is known when the sampler has met this thread.
    engine.flushSync(2000);
    return { report: engine.report, features: engine.status().features, said };
  } catch (error) {
    return { failure: reasonOf(error) };
  }
}

function binaryPath(): string {
  return Object.keys(require.cache).find((path) => path.endsWith('.node')) ?? '';
}
