import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Configuration } from '../../config/settings';
import type { EngineOptions, Feature } from '../../engine';
import { reasonOf } from '../../log';
import { engineOptions } from '../../select-engine';
import type { EngineAnswer } from './engine-child';
import { type Finding, finding, type Part } from './report';

/** The start of Node.js, the binary and an engine takes a fifth of a second; a busy machine takes its time. */
const LIMIT_MILLISECONDS = 20_000;

export interface EngineFacts {
  /** Of the Node.js that was asked: that of the program, where one is named. */
  node?: string;
  v8?: string;
  native: { loaded: boolean; path?: string; reason?: string };
  /** Undefined where none can start. */
  name?: string;
  reason?: string;
  signal?: string;
  rejected: { engine: string; reason: string }[];
  features: Feature[];
}

/** Which engine would be taken, and why not the others, by the Node.js of `node` with some of the program's flags. */
export async function checkEngine(
  configuration: Configuration,
  node: string,
  flags: readonly string[],
): Promise<Part<EngineFacts>> {
  const none: EngineFacts = { native: { loaded: false }, rejected: [], features: [] };
  let answer: EngineAnswer;
  try {
    // With neither, nothing is profiled: the engine is the one that would be taken otherwise.
    const isOff = !configuration.wall && !configuration.cpu;
    answer = await ask(
      node,
      flags,
      engineOptions(isOff ? { ...configuration, wall: true, cpu: true } : configuration),
    );
  } catch (error) {
    const reason = reasonOf(error);
    const text = `No engine could be tried: ${reason}.`;
    return {
      facts: { ...none, native: { loaded: false, reason } },
      findings: [finding('failure', 'engine', text, `Check that ${node} can run a script of this package.`)],
    };
  }
  return { facts: factsOf(answer), findings: findingsOf(answer, configuration) };
}

function factsOf({ node, v8, native, engine }: EngineAnswer): EngineFacts {
  const loaded = 'path' in native;
  const common = { node, v8, native: { loaded, ...native } };
  if ('failure' in engine) return { ...common, reason: engine.failure, rejected: [], features: [] };
  const { engine: name, reason, signal, rejected } = engine.report;
  return { ...common, name, reason, signal, rejected, features: engine.features };
}

function findingsOf({ native, engine }: EngineAnswer, configuration: Configuration): Finding[] {
  const findings: Finding[] = [];
  if ('path' in native) findings.push(finding('ok', 'native', `The native sampler loads: ${native.path}`));
  else {
    const text = `${native.reason.replace(/^./, (letter) => letter.toUpperCase())}.`;
    findings.push(finding('warning', 'native', text));
  }
  if ('failure' in engine) {
    findings.push(finding('failure', 'engine', `No engine can start: ${engine.failure}.`));
    return findings;
  }
  const { engine: name, reason, signal, rejected } = engine.report;
  const by = signal === '' ? '' : `, by ${signal}`;
  const isInstead = name === 'inspector' && configuration.engine !== 'inspector';
  findings.push(
    isInstead
      ? finding(
          'warning',
          'engine',
          "V8's own profiler is used: JavaScript threads only, at a higher cost.",
          'docs/cli.md, "The inspector engine", says what is missing.',
        )
      : finding('ok', 'engine', `The engine is ${name}${by}: ${reason}.`),
  );
  for (const other of rejected) {
    findings.push(finding('note', `engine.${other.engine}`, `Not ${other.engine}: ${other.reason}.`));
  }
  for (const { name: feature, reason: why } of engine.features.filter(({ ok }) => !ok)) {
    findings.push(finding('warning', `feature.${feature}`, `Stacks are without ${feature}: ${why}.`));
  }
  const works = engine.features.filter(({ ok }) => ok).map((feature) => feature.name);
  if (works.length > 0) findings.push(finding('ok', 'features', `Stacks have: ${works.join(', ')}.`));
  return findings;
}

function ask(node: string, flags: readonly string[], options: EngineOptions): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [...flags, require.resolve('./engine-child'), JSON.stringify(options)], {
      // A preload of ours in NODE_OPTIONS must not profile the check.
      env: { ...process.env, DD_PROFILING_ENABLED: 'false', EVERFLAME_TOGGLE_SIGNAL: '' },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    let [text, errors] = ['', ''];
    (child.stdio[3] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      errors = `${errors}${chunk}`.slice(-4096);
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, LIMIT_MILLISECONDS);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(text) as EngineAnswer);
      } catch {
        if (isLate) reject(new Error(`nothing has started within ${LIMIT_MILLISECONDS / 1000} s`));
        const end = signal === null ? `the code ${code}` : signal;
        const line = errors.split('\n').find((candidate) => /error/i.test(candidate));
        reject(
          new Error(`the process that tries it has ended with ${end}${line ? ` (${line.trim()})` : ''}`),
        );
      }
    });
  });
}
