import { isOf } from '../frames';
import { shareRule } from '../share-rule';

export const syncZlib = shareRule({
  id: 'sync-zlib',
  title: 'Synchronous compression on the main thread',
  subject: 'synchronous compression',
  rule: 'gzipSync, inflateSync and the other synchronous functions of node:zlib take a tenth or more of the CPU time of the main thread. Streams and the forms with a callback compress in the pool, and leave 0 % here.',
  remedy:
    'Use the form with a callback (gzip, brotliCompress …) or a stream, and compress what does not change once.',
  bound: 0.1,
  what: 'in synchronous functions of node:zlib',
  where: { is: (frame) => isOf(frame, 'node:zlib') && /sync/i.test(frame.called) },
});
