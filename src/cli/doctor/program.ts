import { basename } from 'node:path';
import { autoPath } from '../../package-root';
import { findProgram } from '../find-program';
import { finding, type Part } from './report';

/** The program that the doctor is asked about. It is never run. */
export interface ProgramFact {
  /** The words as they were given. */
  command: string[];
  /** The Node.js behind it, where it is one. */
  node?: string;
  script?: string;
  /** Whether its environment preloads the profiler. */
  preloaded: boolean;
}

/** What a flag of Node.js is followed by. */
const TAKES_VALUE =
  /^(-r|--require|--import|-C|--conditions|--loader|--experimental-loader|--title|--input-type)$/;
/** Flags that decide whether a profiler may run; others are the program's business. */
const FOR_ENGINE = /^--(no-addons|permission|experimental-permission|allow-[\w-]+)(=|$)/;

/** What the program's command line and environment say; and the flags that the engine is tried with. */
export function checkProgram(
  command: readonly string[],
  environment: NodeJS.ProcessEnv,
): Part<ProgramFact> & { flags: string[] } {
  const [name, ...rest] = command;
  const options = environment.NODE_OPTIONS ?? '';
  const findings = [];
  const facts: ProgramFact = { command: [...command], preloaded: preloads(options) || rest.some(isPreload) };
  const flags: string[] = [];
  if (name !== undefined) {
    const file = findProgram(name);
    if (file === undefined) {
      findings.push(
        finding('failure', 'program', `The program ${name} is not found.`, 'Check its name and PATH.'),
      );
    } else if (/^node(js)?(\d+)?$/.test(basename(name))) {
      facts.node = file;
      const at = scriptAt(rest);
      const script = rest[at];
      if (script !== undefined) facts.script = script;
      flags.push(...rest.slice(0, at).filter((word) => FOR_ENGINE.test(word)));
    }
  }
  const isFromCode = name === undefined ? 'A program' : 'The program';
  findings.push(
    facts.preloaded
      ? finding('ok', 'preload', 'The profiler is preloaded by NODE_OPTIONS or by the command line.')
      : finding(
          'note',
          'preload',
          `NODE_OPTIONS does not preload the profiler. ${isFromCode} is profiled only if it is started by everflame run, with --require everflame/auto, or if its code does new Profiler().start().`,
        ),
  );
  return { facts, findings, flags };
}

/** Where the script is among the words behind `node`. */
function scriptAt(words: readonly string[]): number {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--') return at + 1;
    if (TAKES_VALUE.test(word)) at += 1;
    else if (/^(-e|--eval|-p|--print)(=|$)/.test(word)) return words.length;
    else if (!word.startsWith('-')) return at;
  }
  return words.length;
}

function preloads(options: string): boolean {
  return options.split(/[\s=]+/).some(isPreload);
}

function isPreload(word: string): boolean {
  const plain = word.replace(/^--?[\w-]+=/, '').replace(/^"|"$/g, '');
  return plain === 'everflame/auto' || plain === autoPath || /everflame\/dist\/src\/auto\.js$/.test(plain);
}
