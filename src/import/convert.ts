import { gunzipSync } from 'node:zlib';
import { codeOf } from '../log';
import { importCollapsed } from './collapsed';
import { importCpuProfile } from './cpuprofile';
import type { FileFacts } from './file-time';
import { importHeapProfile } from './heapprofile';
import { type JsonObject, readJson } from './json';
import { IMPORT_LIMITS } from './limits';
import { NotImportable } from './not-importable';
import type { Part } from './pieces';
import { importSpeedscope } from './speedscope';
import { familyOf, isGzip, type JsonFormat, jsonFormatOf } from './tell-format';

/** A format that is turned into pprof, as it is called in tags and answers. */
export type ConvertedFormat = JsonFormat | 'collapsed';

/** A file as profiles that the store takes. */
export interface Converted {
  format: ConvertedFormat;
  parts: Part[];
}

const READERS: Record<JsonFormat, { what: string; read(json: JsonObject, file: FileFacts): Part[] }> = {
  cpuprofile: { what: 'a CPU profile of V8', read: importCpuProfile },
  heapprofile: { what: 'a heap profile of V8', read: importHeapProfile },
  speedscope: { what: 'speedscope JSON', read: importSpeedscope },
};

/** Turns a file of JSON or text into pprof. Throws NotImportable. Takes its time, and several times the memory of the file. */
export function convert(data: Buffer, file: FileFacts): Converted {
  const plain = unpacked(data);
  if (familyOf(plain) !== 'json') {
    const parts = readAs('collapsed stacks', () => importCollapsed(plain.toString('utf8'), file));
    return { format: 'collapsed', parts };
  }
  const json = readJson(plain);
  const format = jsonFormatOf(json);
  const { what, read } = READERS[format];
  return { format, parts: readAs(what, () => read(json, file)) };
}

function readAs(what: string, read: () => Part[]): Part[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotImportable) throw new NotImportable(`read as ${what}, ${error.message}`);
    throw error;
  }
}

function unpacked(data: Buffer): Buffer {
  const most = IMPORT_LIMITS.bytes;
  try {
    if (isGzip(data)) return gunzipSync(data, { maxOutputLength: most });
  } catch (error) {
    const isLarge = codeOf(error) === 'ERR_BUFFER_TOO_LARGE';
    throw new NotImportable(
      isLarge
        ? `unpacked, it has more than ${most / 1024 / 1024} MiB`
        : 'read as gzip, it is damaged or ends in the middle',
    );
  }
  if (data.length > most) throw new NotImportable(`it has more than ${most / 1024 / 1024} MiB`);
  return data;
}
