import { existsSync } from 'node:fs';
import { run } from '../setup/commands.mjs';

/** What the cross build and the emulation need on Debian, each with a file that shows it is there. */
const PACKAGES = [
  // Rust from Debian: a rustup toolchain would have to fetch the arm64 standard library from its own server.
  ['rustc-web', '/usr/bin/rustc'],
  ['cargo-web', '/usr/bin/cargo'],
  ['libstd-rust-web-dev:arm64', '/usr/lib/rustlib/aarch64-unknown-linux-gnu'],
  ['gcc-aarch64-linux-gnu', '/usr/bin/aarch64-linux-gnu-gcc'],
  ['libc6-dev-arm64-cross', '/usr/aarch64-linux-gnu/include/stdlib.h'],
  ['qemu-user-static', '/usr/bin/qemu-aarch64-static'],
  ['libc6:arm64', '/lib/aarch64-linux-gnu/libc.so.6'],
  ['libstdc++6:arm64', '/usr/lib/aarch64-linux-gnu/libstdc++.so.6'],
  ['libatomic1:arm64', '/usr/lib/aarch64-linux-gnu/libatomic.so.1'],
];

export const EMULATOR = '/usr/bin/qemu-aarch64-static';

/** The environment in which Debian's cargo builds for arm64, C code included. */
export const CROSS_ENVIRONMENT = {
  RUSTC: '/usr/bin/rustc',
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER: 'aarch64-linux-gnu-gcc',
  CC_aarch64_unknown_linux_gnu: 'aarch64-linux-gnu-gcc',
};

function missingPackages() {
  return PACKAGES.filter(([, file]) => !existsSync(file)).map(([name]) => name);
}

function byHand(missing) {
  return `install as root: dpkg --add-architecture arm64 && apt-get update && apt-get install ${missing.join(' ')}`;
}

/**
 * Installs the Debian packages that are missing, where that is possible.
 * @returns {Promise<string | undefined>} why arm64 cannot be tried here; undefined when everything is there
 */
export async function prepareToolchain() {
  if (process.platform !== 'linux')
    return `an arm64 cross build is made on Debian; this is ${process.platform}`;
  if (process.arch === 'arm64') return 'this machine is arm64, so every other test has run there';
  const missing = missingPackages();
  if (missing.length === 0) return undefined;
  if (!existsSync('/usr/bin/apt-get'))
    return `packages of Debian are missing (${missing.join(', ')}), and there is no apt-get`;
  if (process.getuid() !== 0) return `packages are missing; ${byHand(missing)}`;
  const steps = [
    ['dpkg', ['--add-architecture', 'arm64']],
    ['apt-get', ['update', '-qq']],
    ['apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing]],
  ];
  for (const [command, args] of steps) {
    const { code, output } = await run(command, args, {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      timeoutSeconds: 600,
    });
    if (code !== 0) {
      const lastLine = output.trim().split('\n').at(-1);
      return `"${[command, ...args].join(' ')}" failed (${lastLine}); ${byHand(missing)}`;
    }
  }
  const still = missingPackages();
  return still.length === 0
    ? undefined
    : `apt-get installed everything, but ${still.join(', ')} is not where it should be`;
}
