import { execFileSync } from 'node:child_process';
import { testNodes } from './nodes.js';

/** Node.js has Zstandard in 22.15 and later, which each newer release of ours is. */
const LEAST_MAJOR = 22;
const SCRIPT = 'process.stdout.write(zlib.zstdDecompressSync(fs.readFileSync(0)))';

/** A Node.js that reads Zstandard, whichever runs the tests; undefined where none is among those that are tested. */
export const ZSTD_NODE = testNodes().find(({ major }) => Number(major) >= LEAST_MAJOR)?.path;

/** Unpacks what is compressed with Zstandard, and leaves anything else. Throws where there is nothing to do so with. */
export function withoutZstd(data: Buffer): Buffer {
  if (data.length < 4 || data.readUInt32LE() !== 0xfd2fb528) return data;
  if (ZSTD_NODE === undefined) throw new Error('no Node.js here reads Zstandard');
  return execFileSync(ZSTD_NODE, ['-e', SCRIPT], { input: data, maxBuffer: 64 * 1024 * 1024 });
}
