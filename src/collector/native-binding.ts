import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeStore } from '../../native/store';
import { EverflameError } from '../engine';
import { reasonOf } from '../log';
import { assertWhole, libc, platformTuple } from '../native';
import { packageRoot } from '../package-root';

/** The store's binary, as native/store/index.d.ts has it. */
export interface StoreBinding {
  NativeStore: typeof NativeStore;
}

let loaded: StoreBinding | undefined;

/**
 * Loads the store's binary on first use: beside its declarations in a checkout, else from the package of the platform. No loader is
 * generated: for that `NAPI_RS_NATIVE_LIBRARY_PATH` would name the sampler's. Throws an EverflameError where there is none.
 */
export function loadStore(): StoreBinding {
  loaded ??= load();
  return loaded;
}

function load(): StoreBinding {
  const tuple = platformTuple(libc());
  if (tuple === undefined) {
    throw new EverflameError(
      'NO_STORE',
      `profiles cannot be kept here: the store exists for Linux on x64 and arm64, and this is ${process.platform} on ${process.arch}. "everflame top" and "everflame flame" read profiles from files on any platform`,
    );
  }
  const local = join(packageRoot, 'native', 'store', `everflame-store.${tuple}.node`);
  const name = `everflame-store-${tuple}`;
  try {
    if (!existsSync(local)) return require(name) as StoreBinding;
    assertWhole(local);
    return require(local) as StoreBinding;
  } catch (error) {
    throw new EverflameError(
      'NO_STORE',
      `the store cannot be loaded (tried ${local} and the package ${name}): ${reasonOf(error).split('\n')[0]}. In a checkout run: npm run build:store. Else install everflame again, with optional dependencies`,
      { cause: error },
    );
  }
}
