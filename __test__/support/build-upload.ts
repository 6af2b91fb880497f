import type { Attachment, Identity, Upload } from '#src/upload/upload.js';

/** A process as an exporter sees it; give what a test is about. */
export function givenIdentity(changes: Partial<Identity> = {}): Identity {
  return {
    runtimeId: '0d3c7f2c-0b6a-4b0d-9c1e-5b8e2a7f4c11',
    service: 'shop',
    env: 'prod',
    version: '1.4.2',
    tags: [['team', 'checkout']],
    host: 'web-1',
    pid: 4242,
    activation: 'manual',
    profilerVersion: '0.1.0',
    runtime: {
      nodeVersion: 'v24.21.0',
      arch: 'x64',
      platform: 'linux',
      kernelName: 'Linux',
      kernelRelease: '6.8.0',
      kernelVersion: '#1 SMP',
      availableProcessors: 8,
      threadPoolSize: 4,
      startTime: '2026-11-22T09:52:11.301Z',
    },
    settings: {},
    ...changes,
  };
}

/** An upload of the last minute with these files. */
export function givenUpload(attachments: Attachment[], changes: Partial<Upload> = {}): Upload {
  const end = BigInt(Date.now()) * 1_000_000n;
  return {
    identity: givenIdentity(),
    sequence: 7,
    start: end - 60_000_000_000n,
    end,
    reason: 'periodic',
    attachments,
    internal: {},
    ...changes,
  };
}
