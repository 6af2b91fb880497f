import { join } from 'node:path';
import { assertWhole } from './cut-short';
import { localBinary, type NativeBinding, packagedBinary } from './native';
import { packageRoot } from './package-root';

/** The binary that NAPI_RS_NATIVE_LIBRARY_PATH names. */
export function requireNamed(path: string): NativeBinding {
  assertWhole(path);
  return requireGenerated();
}

/** The binary of this processor where the C library is not known: the generated loader takes one of these. */
export function requireUnknown(): NativeBinding {
  for (const libc of ['gnu', 'musl']) {
    const tuple = `linux-${process.arch}-${libc}`;
    assertWhole(localBinary(tuple));
    assertWhole(packagedBinary(tuple));
  }
  return requireGenerated();
}

function requireGenerated(): NativeBinding {
  return require(join(packageRoot, 'native', 'index.js')) as NativeBinding;
}
