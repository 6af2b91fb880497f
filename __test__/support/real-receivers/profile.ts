import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { BURN } from '../burn.js';
import { profilesIn, temporaryFolder } from '../folder.js';
import { everflame } from '../spawn.js';

/** A profile that Everflame has just made of a program that uses CPU time: as it stands in the file. */
export async function realProfile(t: ExecutionContext): Promise<Buffer> {
  const folder = temporaryFolder(t, { 'burn.js': `${BURN}burn(300);` });
  const end = await everflame(['run', '--output', 'out', '--', process.execPath, 'burn.js'], { cwd: folder });
  t.is(end.code, 0, end.stderr);
  const [path] = profilesIn(join(folder, 'out'));
  if (path === undefined) throw new Error(`there is no profile.\n${end.stderr}`);
  return readFileSync(path);
}
