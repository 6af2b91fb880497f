import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

const MAIN_THREAD = 'Main Event Loop';

/** The profile of an upload with wall time: the body itself, or the part of that name. */
async function wallProfile({ type, body }) {
  if (!type.startsWith('multipart/')) return body;
  const parts = await new Response(body, { headers: { 'content-type': type } }).formData();
  for (const part of parts.values()) {
    if (part.name === 'wall.pprof') return Buffer.from(await part.arrayBuffer());
  }
  throw new Error(`An upload has no wall.pprof; its parts are ${[...parts.keys()].join(', ')}.`);
}

/** What the profile of an upload says: its time, and how much wall time of the main thread is in it, in milliseconds. */
async function readUpload(upload) {
  const { sample, sampleType, stringTable, timeNanos } = Profile.decode(
    gunzipSync(await wallProfile(upload)),
  );
  const text = (index) => stringTable.strings[Number(index)];
  const wall = sampleType.findIndex(({ type }) => text(type) === 'wall');
  // Whoever does not name threads has the main thread alone.
  const isOfMain = ({ label }) =>
    label.every(({ key, str }) => text(key) !== 'thread name' || text(str) === MAIN_THREAD);
  const nanoseconds = sample.filter(isOfMain).reduce((sum, { value }) => sum + Number(value[wall]), 0);
  return { time: Number(timeNanos) / 1e6, profiled: nanoseconds / 1e6 };
}

/**
 * How much of the main thread's time is in the profiles that arrived, as per cent of the time from the first to the last
 * of them. Whether a profile's time is its start or its end does not matter, as periods are of one length.
 */
export async function arrivedPercent(uploads) {
  const read = await Promise.all(uploads.map(readUpload));
  read.sort((a, b) => a.time - b.time);
  const [first, ...later] = read;
  if (later.length === 0) return undefined;
  const profiled = later.reduce((sum, upload) => sum + upload.profiled, 0);
  return (profiled / (later.at(-1).time - first.time)) * 100;
}
