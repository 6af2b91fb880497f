import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { delimited } from '../../pprof/records';
import type { SeriesLabel } from './labels';

/** Below the server's address. */
export const PUSH_PATH = '/push.v1.PusherService/Push';

/**
 * A `push.v1.PushRequest` with one series and one profile, which is compressed with gzip. As protobuf and not as JSON, in
 * which the profile would be base64 and a third larger.
 */
export function pushRequest(labels: readonly SeriesLabel[], id: string, profile: Uint8Array): Buffer {
  const writer = new BinaryWriter();
  const series = writer.uint32(delimited(1)).fork();
  for (const [name, value] of labels) {
    series.uint32(delimited(1)).fork();
    series.uint32(delimited(1)).string(name).uint32(delimited(2)).string(value).join();
  }
  series.uint32(delimited(2)).fork();
  series.uint32(delimited(1)).bytes(profile).uint32(delimited(2)).string(id).join();
  return bufferOf(series.join().finish());
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
