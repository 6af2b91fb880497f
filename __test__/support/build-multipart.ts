import type { OutgoingRequest } from '#src/upload/upload.js';

/** One part of a multipart body. */
export interface GivenPart {
  name: string;
  filename?: string;
  type?: string;
  data: Buffer | string;
}

/** A valid `event.json` for these attachments; give what a test is about. */
export function givenEvent(attachments: string[], changes: Record<string, unknown> = {}): object {
  return {
    version: '4',
    family: 'node',
    start: '2026-11-22T10:00:00.000123456Z',
    end: '2026-11-22T10:01:00.004567890Z',
    attachments,
    tags_profiler:
      'language:javascript,runtime:nodejs,runtime_arch:x64,runtime_os:linux,runtime_version:v24.21.0,process_id:4242,profiler_version:0.1.0,format:pprof,service:shop,runtime-id:0d3c7f2c,url:https://example.com/shop,snapshot:periodic,profile_seq:7',
    endpoint_counts: { 'GET /': 3 },
    process_tags: 'entrypoint.name:server,entrypoint.type:script',
    ...changes,
  };
}

/** An upload as an Agent takes it, of these parts. */
export function givenMultipart(url: string, parts: GivenPart[]): OutgoingRequest {
  const boundary = '9f2c41d07ab35e68';
  const body = Buffer.concat([
    ...parts.map(({ name, filename = name, type = 'application/octet-stream', data }) =>
      Buffer.concat([
        Buffer.from(
          `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n`,
        ),
        Buffer.from(data),
        Buffer.from('\r\n'),
      ]),
    ),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return {
    part: 'all',
    url: `${url}/profiling/v1/input`,
    headers: {
      'Content-Type': `multipart/form-data; boundary=${boundary}`,
      'DD-EVP-ORIGIN': 'everflame',
      'DD-EVP-ORIGIN-VERSION': '0.1.0',
      'User-Agent': 'everflame/0.1.0',
    },
    body,
  };
}
