import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { Profile } from 'pprof-format';
import { EverflameError } from '../engine';
import { codeOf, messageOf, reasonOf } from '../log';
import { classify } from './classify';
import type { Frame, LoadedProfile, LoadedSample } from './model';
import { CUT, FOREIGN, whyNotRecords } from './wire';

/** Most bytes of a profile, decompressed: as objects they take several times that. */
const MOST_BYTES = 512 * 1024 * 1024;
const TOO_LARGE = 'it has more than 512 MiB, which this command cannot read';
/** What V8 and speedscope write; no pprof begins as JSON does. */
const JSON_FILE =
  'it is JSON. "everflame view" shows profiles of V8 and speedscope, and "everflame export --pprof" turns them into pprof';
const JSON_BEGINNINGS = new Set(Buffer.from('{['));

type Decompress = (data: Uint8Array, options: { maxOutputLength: number }) => Buffer;
/** Zstandard came to Node.js with 22.15. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: Decompress };

/** Reads a profile from a file. Throws an EverflameError with the file's name where it is none. */
export function readProfile(path: string): LoadedProfile {
  let data: Buffer;
  try {
    data = readFileSync(path);
  } catch (error) {
    const remedy =
      codeOf(error) === 'EISDIR' ? `. Name the files in the folder: ${join(path, '*.pprof')}` : '';
    throw new EverflameError('UNREADABLE', `cannot read ${path}: ${reasonOf(error)}${remedy}`, {
      cause: error,
    });
  }
  return decodeProfile(path, data);
}

/** Reads a profile from its bytes: profile.proto, plain or compressed with gzip or Zstandard. `path` is for messages. */
export function decodeProfile(path: string, data: Uint8Array): LoadedProfile {
  if (data.length === 0) throw notAProfile(path, 'it is empty');
  const plain = decompress(path, data);
  if (plain.length === 0) throw notAProfile(path, 'it is empty');
  if (JSON_BEGINNINGS.has(plain[0] as number)) throw notAProfile(path, JSON_FILE);
  const obstacle = plain.length > MOST_BYTES ? TOO_LARGE : whyNotRecords(plain);
  if (obstacle !== undefined) throw notAProfile(path, obstacle);
  let profile: Profile;
  try {
    profile = Profile.decode(plain);
  } catch (error) {
    // What the decoder stumbled over in foreign bytes helps nobody.
    throw notAProfile(path, FOREIGN, error);
  }
  const strings = profile.stringTable.strings;
  // The decoder takes any bytes for a message; these two hold for every profile and for hardly anything else.
  if (strings[0] !== '') throw notAProfile(path, FOREIGN);
  if (profile.sampleType.length === 0) throw notAProfile(path, 'it names no kind of value');
  return new Reader(path, profile).read();
}

function decompress(path: string, data: Uint8Array): Uint8Array {
  const options = { maxOutputLength: MOST_BYTES };
  try {
    if (data[0] === 0x1f && data[1] === 0x8b) return zlib.gunzipSync(data, options);
    if (data[0] === 0x28 && data[1] === 0xb5 && data[2] === 0x2f && data[3] === 0xfd) {
      if (zstdDecompressSync) return zstdDecompressSync(data, options);
      throw new Error('it is compressed with Zstandard, which Node.js can read from 22.15 on');
    }
  } catch (error) {
    throw notAProfile(path, decompressFailure(error), error);
  }
  return data;
}

function decompressFailure(error: unknown): string {
  switch (codeOf(error)) {
    case 'ERR_BUFFER_TOO_LARGE':
      return TOO_LARGE;
    case 'Z_BUF_ERROR':
      return CUT;
    default:
      return messageOf(error);
  }
}

function notAProfile(path: string, reason: string, cause?: unknown): EverflameError {
  return new EverflameError('NOT_A_PROFILE', `${path} is not a pprof profile: ${reason}`, { cause });
}

/** An int64: the decoder gives it without its sign. A difference of two profiles has values below zero. */
function signed(value: number | bigint): number | bigint {
  // A number has at most 28 bits.
  return typeof value === 'number' ? value : BigInt.asIntN(64, value);
}

/** Whole to 2^53: in nanoseconds, 104 days. */
function toNumber(value: number | bigint): number {
  return Number(signed(value));
}

/** Some tools write a line below zero for none. */
function lineNumber(value: number | bigint): number {
  return Math.max(0, toNumber(value));
}

/** Resolves the numbers of one profile into names. */
class Reader {
  private readonly frames = new Map<number, Frame[]>();
  private readonly strings: string[];

  constructor(
    private readonly path: string,
    private readonly profile: Profile,
  ) {
    this.strings = profile.stringTable.strings;
  }

  read(): LoadedProfile {
    const { profile } = this;
    this.readLocations();
    const types = profile.sampleType.map(({ type, unit }) => ({
      type: this.text(type),
      unit: this.text(unit),
    }));
    return {
      path: this.path,
      types,
      samples: profile.sample.map((sample) => this.readSample(sample, types.length)),
      startNanoseconds: BigInt(signed(profile.timeNanos)),
      durationNanoseconds: toNumber(profile.durationNanos),
    };
  }

  private readLocations(): void {
    const functions = new Map(this.profile.function.map((entry) => [Number(entry.id), entry]));
    const modules = new Map(
      this.profile.mapping.map((entry) => [Number(entry.id), this.text(entry.filename)]),
    );
    for (const location of this.profile.location) {
      const module = modules.get(Number(location.mappingId)) ?? '';
      const lines = location.line.map(({ functionId, line }) => {
        const entry = functions.get(Number(functionId));
        if (!entry) throw notAProfile(this.path, `it has no function ${functionId}`);
        return this.frame(
          this.text(entry.name),
          this.text(entry.filename),
          module,
          lineNumber(line),
          lineNumber(entry.startLine),
        );
      });
      // A location without a function was never symbolised: its address is all there is.
      const address = `0x${BigInt(location.address).toString(16)}`;
      this.frames.set(
        Number(location.id),
        lines.length > 0 ? lines : [this.frame(address, '', module, 0, 0)],
      );
    }
  }

  private frame(name: string, file: string, module: string, line: number, startLine: number): Frame {
    // A binary's function has a name unless nobody knows it; a script's may have none.
    const nameless = module !== '' && file === '' ? '[unknown]' : '(anonymous)';
    return { name: name || nameless, file, line, startLine, module, ...classify(name, file, module) };
  }

  private readSample(sample: Profile['sample'][number], typeCount: number): LoadedSample {
    if (sample.value.length !== typeCount) {
      throw notAProfile(this.path, `a sample has ${sample.value.length} values instead of ${typeCount}`);
    }
    const frames = sample.locationId.flatMap((id) => {
      const found = this.frames.get(Number(id));
      if (!found) throw notAProfile(this.path, `it has no location ${id}`);
      return found;
    });
    const labels = new Map(
      sample.label.map(
        ({ key, str, num }) => [this.text(key), str ? this.text(str) : String(signed(num))] as const,
      ),
    );
    return { values: sample.value.map(toNumber), frames, labels };
  }

  private text(index: number | bigint): string {
    const text = this.strings[Number(index)];
    if (text === undefined) throw notAProfile(this.path, `it has no string ${index}`);
    return text;
  }
}
