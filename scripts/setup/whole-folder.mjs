import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Makes a folder that is there whole or not at all: it is filled under another name beside its place, since what is
 * unpacked in part would be taken for the whole later.
 * @param {string} folder what is there already is replaced
 * @param {(filling: string) => Promise<string | undefined>} fill gets an empty folder; resolves with the part of it that
 *   is to be the folder, by its name, or with nothing for all of it
 */
export async function makeWhole(folder, fill) {
  await mkdir(dirname(folder), { recursive: true });
  const filling = await mkdtemp(`${folder}.filling-`);
  try {
    const part = await fill(filling);
    await rm(folder, { recursive: true, force: true });
    await rename(join(filling, part ?? ''), folder);
  } finally {
    await rm(filling, { recursive: true, force: true });
  }
}
