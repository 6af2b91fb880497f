import { request as httpRequest } from 'node:http';
import type { Answer, Exporter, OutgoingRequest, Upload, Verdict } from '#src/upload/upload.js';

/** How each request of an upload ended. */
export interface Sent {
  request: OutgoingRequest;
  answer: Answer;
  verdict: Verdict;
}

/** Sends one request over HTTP, as plainly as possible. */
export function send({ url, socketPath, headers, body }: OutgoingRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { ...headers, 'Content-Length': body.length },
      ...(socketPath && { socketPath }),
      agent: false,
    };
    const request = httpRequest(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Answer['headers'],
          body: Buffer.concat(chunks),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Sends an upload once, and anew where the exporter wants to send otherwise. */
export async function sendUpload(exporter: Exporter, upload: Upload): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (const request of await exporter.requests(upload)) {
    const answer = await send(request);
    const verdict = exporter.judge(answer);
    sent.push({ request, answer, verdict });
    if (verdict.kind === 'otherwise') return [...sent, ...(await sendUpload(exporter, upload))];
  }
  return sent;
}
