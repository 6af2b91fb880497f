// Profiles as they came, decoded one after the other: the least that an answer without a store takes. Nothing is merged.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

const [, , folder, most] = process.argv;
const files = readdirSync(folder).slice(0, Number(most));
const decode = (name) => Profile.decode(gunzipSync(readFileSync(join(folder, name)))).sample.length;

const times = files.map((name) => {
  const begin = performance.now();
  if (decode(name) === 0) throw new Error(`${name} has no samples`);
  return performance.now() - begin;
});
process.send({ times });
