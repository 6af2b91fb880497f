import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { plainNumbers } from './plain-numbers.mjs';
import { weigh } from './weigh.mjs';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The collector may serve the page below another path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../dist/viewer', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // Both would be inlined: the page's policy allows no script and no picture that is not a file of its own.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  plugins: [plainNumbers(), weigh()],
});
