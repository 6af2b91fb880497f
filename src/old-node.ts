/**
 * What the preload loads in a Node.js older than `engines` of package.json has: one line, once a process. Nothing here is
 * newer than ES2019, as in `auto.ts`, and nothing is named by `node:`, which Node.js 12 does not know.
 */
try {
  if (isMainThread()) {
    // biome-ignore lint/style/useNodejsImportProtocol: see above.
    (require('fs') as typeof import('node:fs')).writeSync(
      2,
      `everflame: error: Node.js 20 or later is needed, and this is ${process.version}. The program runs without a profiler.\n`,
    );
  }
} catch {
  // Standard error is closed or full: there is no other place to say so.
}

function isMainThread(): boolean {
  try {
    // biome-ignore lint/style/useNodejsImportProtocol: see above.
    return (require('worker_threads') as typeof import('node:worker_threads')).isMainThread;
  } catch {
    // Before Node.js 12 there need not be any workers.
    return true;
  }
}
