import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { sampledFiles } from '#src/provenance/sampled-files.js';
import { buildProfile, type GivenSample } from '../support/build-profile.js';
import { temporaryFolder } from '../support/folder.js';
import { readProfile } from '../support/pprof.js';

const NOTHING = { sources: [], modules: [] };

const SAMPLES: GivenSample[] = [
  {
    values: [1],
    stack: [
      { name: 'a', file: '/app/é.js', line: 3 },
      { name: 'b', file: 'node:fs' },
    ],
    thread: '/no/file.js',
  },
  {
    values: [2 ** 40],
    stack: [{ name: '/also/none.js' }, { name: 'c', file: '/lib/c.so', module: '/lib/c.so' }],
  },
  { values: [3], stack: [{ name: 'd', file: '/app/é.js', line: 300, startLine: 2 ** 20 }] },
];

function profileOf(samples: GivenSample[], path: string): Buffer {
  buildProfile(path, [['wall', 'nanoseconds']], samples);
  return readFileSync(path);
}

test('the file names of functions and the binaries of mappings are found, each once, and nothing else', (t) => {
  const profile = profileOf(SAMPLES, join(temporaryFolder(t), 'p.pprof'));
  const expected = { sources: ['/app/é.js', 'node:fs', '/lib/c.so'], modules: ['/lib/c.so'] };
  t.deepEqual(sampledFiles(profile), expected);
  t.deepEqual(sampledFiles(gunzipSync(profile)), expected);
});

test('they are those that a whole reading of the profile finds', (t) => {
  const path = join(temporaryFolder(t), 'p.pprof');
  const samples = Array.from({ length: 500 }, (_, index) => ({
    values: [index],
    stack: [
      { name: `f${index}`, file: `/app/${index % 97}.js`, line: index },
      { name: 'n', ...(index % 3 === 0 ? { file: '/lib/n.so', module: '/lib/n.so' } : {}) },
    ],
  }));
  const { sources, modules } = sampledFiles(profileOf(samples, path));
  const frames = readProfile(path).samples.flatMap((sample) => sample.frames);
  const eachOnce = (texts: string[]): string[] => [...new Set(texts.filter((text) => text !== ''))].sort();
  t.deepEqual([...sources].sort(), eachOnce(frames.map(({ file }) => file)));
  t.deepEqual([...modules].sort(), eachOnce(frames.map(({ module }) => module)));
});

test('what is no profile, or is cut, never throws and never takes long', (t) => {
  const profile = gunzipSync(profileOf(SAMPLES, join(temporaryFolder(t), 'p.pprof')));
  for (const data of ['', 'x', '\u001f\u008b', '{"v1":[]}'].map((text) => Buffer.from(text, 'latin1'))) {
    t.deepEqual(sampledFiles(data), NOTHING, data.toString('hex'));
  }
  t.deepEqual(sampledFiles(gzipSync(profile).subarray(0, 40)), NOTHING);
  for (let length = 0; length < profile.length; length++) sampledFiles(profile.subarray(0, length));
  // Each byte changed in turn: lengths and numbers that lead anywhere.
  for (let place = 0; place < profile.length; place++) {
    for (const value of [0x00, 0x7f, 0xff]) {
      const damaged = Buffer.from(profile);
      damaged[place] = value;
      t.notThrows(() => sampledFiles(damaged));
    }
  }
});

test('a function of a file that is not in the table has none', (t) => {
  // Function 1 with file name 999, then the empty text alone.
  const damaged = Buffer.from([0x2a, 0x05, 0x08, 0x01, 0x20, 0xe7, 0x07, 0x32, 0x00]);
  t.deepEqual(sampledFiles(damaged), NOTHING);
});

test('an archive that grows without end is not unpacked', (t) => {
  const bomb = gzipSync(Buffer.alloc(160 * 1024 * 1024));
  t.deepEqual(sampledFiles(bomb), NOTHING);
});
