import test from 'ava';
import { resolveDelivery } from '#src/config/resolve-delivery.js';
import { Provenance } from '#src/upload/provenance.js';
import { encodeProfile } from '../support/build-profile.js';
import { givenSeed } from './support/process.js';

/** More than are kept. */
const MANY = 30_100;

test('that not all file names are kept is said once, and what is told of the others goes on', (t) => {
  const said: string[] = [];
  const provenance = new Provenance(resolveDelivery({}, {}).configuration, givenSeed(), (line) =>
    said.push(line),
  );
  const profileOf = (files: number) => {
    const stacks = Array.from({ length: files }, (_, number) => [
      { name: 'f', file: `/nowhere/node_modules/made/${number}.js` },
    ]);
    const data = encodeProfile(
      [['sample', 'count']],
      stacks.map((stack) => ({ values: [1], stack })),
    );
    return [{ name: 'wall.pprof', data }];
  };
  provenance.attachments(profileOf(10));
  t.deepEqual(said, []);
  for (let upload = 0; upload < 3; upload++) {
    const [attachment] = provenance.attachments(profileOf(MANY));
    t.regex(attachment?.data.toString() ?? '', /"name":"made".*"\/nowhere\/node_modules\/made\//);
  }
  t.is(said.length, 1);
  t.regex(
    said[0] ?? '',
    /^The profiles have more than 30000 file names, .* switch DD_PROFILING_ENABLE_CODE_PROVENANCE off\.$/,
  );
});
