import { readFileSync } from 'node:fs';
import { release, type } from 'node:os';
import { packageVersion } from '../../package-root';

/** What runs here. */
export interface VersionFacts {
  everflame: string;
  node: string;
  v8: string;
  platform: string;
  arch: string;
  /** Such as `glibc 2.36`; Linux only. */
  libc?: string;
  kernel: string;
}

export function versions(): VersionFacts {
  const libc = process.platform === 'linux' ? libcVersion() : undefined;
  return {
    everflame: packageVersion(),
    node: process.version,
    v8: process.versions.v8,
    platform: process.platform,
    arch: process.arch,
    ...(libc === undefined ? {} : { libc }),
    kernel: `${type()} ${release()}`,
  };
}

function libcVersion(): string {
  try {
    if (readFileSync('/proc/self/maps', 'utf8').includes('/ld-musl-')) return 'musl';
    const { report } = process;
    if (!report) return 'unknown';
    // Else it asks the network for the names of all connections.
    (report as { excludeNetwork?: boolean }).excludeNetwork = true;
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return header?.glibcVersionRuntime === undefined ? 'unknown' : `glibc ${header.glibcVersionRuntime}`;
  } catch {
    return 'unknown';
  }
}
