import type { OutgoingRequest } from '#src/upload/upload.js';

const BOUNDARY = 'boundary-7f3a';

/** An upload as Datadog takes it, with one profile and the least that an event needs. */
export function datadogUpload(url: string, profile: Buffer): Omit<OutgoingRequest, 'part'> {
  const end = new Date();
  const event = {
    version: '4',
    family: 'node',
    start: new Date(end.getTime() - 60_000).toISOString(),
    end: end.toISOString(),
    attachments: ['wall.pprof'],
    tags_profiler: 'language:javascript,runtime:nodejs,service:shop',
  };
  const part = (name: string, filename: string, type: string, data: Buffer): Buffer[] => [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\n`,
    ),
    Buffer.from(`Content-Type: ${type}\r\n\r\n`),
    data,
    Buffer.from('\r\n'),
  ];
  return {
    url: `${url}/profiling/v1/input`,
    headers: {
      'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
      'DD-EVP-ORIGIN': 'everflame',
    },
    body: Buffer.concat([
      ...part('event', 'event.json', 'application/json', Buffer.from(JSON.stringify(event))),
      ...part('wall.pprof', 'wall.pprof', 'application/octet-stream', profile),
      Buffer.from(`--${BOUNDARY}--\r\n`),
    ]),
  };
}
