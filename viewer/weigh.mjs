import { gzipSync } from 'node:zlib';

/** What the page may weigh, compressed: it is loaded beside a program that is being measured. */
const LIMIT_BYTES = 150_000;

/** Fails the build when the page has more than one script or is too heavy, and says what it weighs. */
export function weigh() {
  return {
    name: 'weigh',
    apply: 'build',
    generateBundle(_options, bundle) {
      const weights = Object.values(bundle).map((file) => ({
        name: file.fileName,
        isScript: file.type === 'chunk',
        bytes: gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }).length,
      }));
      const scripts = weights.filter(({ isScript }) => isScript);
      if (scripts.length !== 1)
        this.error(`The page is to have one script, not ${scripts.map(({ name }) => name).join(', ')}.`);
      const total = weights.reduce((sum, { bytes }) => sum + bytes, 0);
      if (total > LIMIT_BYTES)
        this.error(
          `The page weighs ${total} bytes as gzip, more than ${LIMIT_BYTES}: leave out a dependency or write less.`,
        );
      this.info(`${weights.map(({ name, bytes }) => `${name} ${bytes}`).join(', ')}: ${total} bytes as gzip`);
    },
  };
}
