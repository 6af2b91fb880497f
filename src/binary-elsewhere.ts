import { join, resolve } from 'node:path';
import { assertWhole, localBinary, type NativeBinding, packagedBinary } from './native';
import { packageRoot } from './package-root';

/**
 * The binary that NAPI_RS_NATIVE_LIBRARY_PATH names, below the working directory unless it is a whole path. Not by the generated
 * loader: that goes on to WebAssembly, so that its error is about a package that nobody has named. Other packages read this
 * variable too, so it may name one of theirs, or a loader in JavaScript.
 */
export function requireNamed(named: string): NativeBinding {
  if (!named.endsWith('.node')) throw new Error('it is no .node file');
  const path = resolve(named);
  assertWhole(path);
  const binding = require(path) as Partial<NativeBinding>;
  if (typeof binding.start !== 'function') throw new Error('it is the addon of another package');
  return binding as NativeBinding;
}

/** The binary of this processor where the C library is not known: the generated loader takes one of these. */
export function requireUnknown(): NativeBinding {
  for (const libc of ['gnu', 'musl']) {
    const tuple = `linux-${process.arch}-${libc}`;
    assertWhole(localBinary(tuple));
    assertWhole(packagedBinary(tuple));
  }
  return require(join(packageRoot, 'native', 'index.js')) as NativeBinding;
}
