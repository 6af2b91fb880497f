import { basename } from 'node:path';
import type { FrameKind } from './model';

const OWN_CODE = '(your code)';
/** Frames that V8 reports for its own work and that have no file. */
const V8_STATES =
  /^\((garbage collector|program|idle|compiler|deserializer|parser|bytecode compiler|root)\)$/;

/** Where a frame comes from, by its name, the file of its source and the binary it belongs to. */
export function classify(name: string, file: string, module: string): { kind: FrameKind; package: string } {
  if (/^\(?garbage collect/i.test(name)) return { kind: 'gc', package: 'node' };
  if (file.startsWith('node:')) return { kind: 'node', package: 'node' };
  if (module !== '') return { kind: 'native', package: basename(module) };
  const dependency = packageOfPath(file);
  if (dependency !== undefined) return { kind: 'package', package: dependency };
  if (file === '' && (V8_STATES.test(name) || name.startsWith('<'))) return { kind: 'node', package: 'node' };
  return { kind: 'app', package: OWN_CODE };
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
