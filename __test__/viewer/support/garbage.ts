/** Copies of bytes that are not what they were: cut after each byte, and with each byte changed in several ways. */
export function* damaged(bytes: Buffer): Generator<ArrayBuffer> {
  for (let length = 0; length < bytes.length; length++) yield bufferOf(bytes.subarray(0, length));
  for (let at = 0; at < bytes.length; at++)
    for (const changed of [0x00, 0xff, (bytes[at] as number) ^ 0x01, (bytes[at] as number) ^ 0x80]) {
      const copy = Buffer.from(bytes);
      copy[at] = changed;
      yield bufferOf(copy);
    }
}

/** The bytes alone, without what a Buffer of Node.js may have around them. */
export function bufferOf(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
