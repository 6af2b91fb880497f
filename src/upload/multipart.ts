/** A form as its body and the header that goes with it. */
export interface Form {
  contentType: string;
  body: Buffer;
}

export interface FormPart {
  name: string;
  filename: string;
  contentType: string;
  data: Buffer;
}

/**
 * A `multipart/form-data` body (RFC 7578) in one piece: its length is known, and it can be sent again. `boundary` must not occur
 * in any part.
 */
export function multipart(parts: FormPart[], boundary: string): Form {
  const pieces = parts.flatMap(({ name, filename, contentType, data }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${contentType}\r\n\r\n`,
    ),
    data,
    Buffer.from('\r\n'),
  ]);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}
