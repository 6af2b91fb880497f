import { basename } from 'node:path';
import type { FrameKind } from './model';

const OWN_CODE = '(your code)';
const NODE = 'node';
/** Where the profiler could not look, or what it did itself: nobody's code. */
const NOBODY = /^(\[|<\d+ frames? omitted>|\((everflame|exited threads|memory limit|not sampled)\))/;

/** Where a frame comes from, by its name, the file of its source and the binary it belongs to. */
export function classify(name: string, file: string, module: string): { kind: FrameKind; package: string } {
  if (/^\(?garbage collect/i.test(name)) return { kind: 'gc', package: NODE };
  if (file.startsWith('node:')) return { kind: 'node', package: NODE };
  if (module !== '') return { kind: 'native', package: basename(module) };
  // A function of a script always has a file; what has none is V8's (builtins, regular expressions, its own states).
  if (file === '') {
    return NOBODY.test(name) ? { kind: 'native', package: '(not known)' } : { kind: 'node', package: NODE };
  }
  const dependency = packageOfPath(file);
  return dependency === undefined
    ? { kind: 'app', package: OWN_CODE }
    : { kind: 'package', package: dependency };
}

/** The npm package a file belongs to: what follows the last `node_modules/`, with its scope. */
export function packageOfPath(file: string): string | undefined {
  const segments = file.split(/[/\\]/);
  const first = segments.lastIndexOf('node_modules') + 1;
  const name = segments[first];
  // The last segment is the file itself: a package has a folder.
  if (first === 0 || !name || first === segments.length - 1) return undefined;
  return name.startsWith('@') && first + 1 < segments.length - 1 ? `${name}/${segments[first + 1]}` : name;
}
