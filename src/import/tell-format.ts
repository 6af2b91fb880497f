import { constants, gunzipSync } from 'node:zlib';
import { isObject, type JsonObject } from './json';
import { NotImportable } from './not-importable';

/** What a file is, as far as its beginning tells. */
export type Family = 'pprof' | 'json' | 'text';
export type JsonFormat = 'cpuprofile' | 'heapprofile' | 'speedscope';

/** So much of a file is looked at. */
const HEAD_BYTES = 4096;
/** Of one that is packed: deflate makes a thousand bytes of one at most. */
const PACKED_HEAD_BYTES = 1024;

export function isGzip(data: Uint8Array): boolean {
  return data[0] === 0x1f && data[1] === 0x8b;
}

/** By the first bytes, whatever the file is called. What is nothing else is left to the reader of pprof, which says why it is none. */
export function familyOf(data: Uint8Array): Family {
  const head = headOf(data);
  const text = head.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
  // A binary profile begins with small numbers, which no text has.
  if (text.trim() === '' || /[^\t\n\v\f\r\x20-\u00ff]/.test(text)) return 'pprof';
  return /^\s*[{[]/.test(text) ? 'json' : 'text';
}

function headOf(data: Uint8Array): Buffer {
  const most = isGzip(data) ? PACKED_HEAD_BYTES : HEAD_BYTES;
  const head = Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, most));
  if (!isGzip(head)) return head;
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, HEAD_BYTES);
  } catch {
    // The reader of pprof has a sentence for what is broken.
    return Buffer.alloc(0);
  }
}

/** By what the JSON has. Throws NotImportable for what is none of the formats. */
export function jsonFormatOf(value: JsonObject): JsonFormat {
  if (Array.isArray(value.nodes) && !('edges' in value)) return 'cpuprofile';
  if (isSpeedscope(value)) return 'speedscope';
  const { head } = value;
  if (isObject(head) && 'selfSize' in head) return 'heapprofile';
  throw new NotImportable(`read as JSON, ${otherKind(value)}`);
}

function isSpeedscope({ $schema: schema, shared, profiles }: JsonObject): boolean {
  const isNamed = typeof schema === 'string' && /speedscope\.app\/file-format-schema/.test(schema);
  return isNamed || (isObject(shared) && 'frames' in shared && Array.isArray(profiles));
}

function otherKind(value: JsonObject): string {
  if ('traceEvents' in value) return 'it is a trace of Chrome: save its CPU profile instead';
  if ('snapshot' in value || 'edges' in value)
    return 'it is a heap snapshot, which has objects and no stacks: record a heap profile instead (node --heap-prof)';
  if (isObject(value.head) && 'timestamps' in value)
    return 'it is a CPU profile of the form that V8 wrote before 2016: record it with a newer Node.js';
  const keys = Object.keys(value).slice(0, 5);
  return keys.length === 0
    ? 'it is empty'
    : `it has ${keys.map((key) => JSON.stringify(key.slice(0, 20))).join(', ')} and is of no known kind`;
}
