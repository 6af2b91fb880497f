import { join } from 'node:path';

/** Before the runtime id in a profile's comment; `rotate.rs` of the native sampler writes the same. */
export const RUNTIME_ID_COMMENT = 'everflame.runtime-id:';

const NAME = /^process\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json$/;

/** Where a process leaves word beside its profiles in an inbox of who it is: profiles name it by its runtime id. */
export function processPath(folder: string, runtimeId: string): string {
  return join(folder, `process.${runtimeId}.json`);
}

/** The runtime id in the name of such a file; undefined for another. */
export function runtimeIdIn(name: string): string | undefined {
  return NAME.exec(name)?.[1];
}
