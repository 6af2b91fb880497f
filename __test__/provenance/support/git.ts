import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Runs git in a folder, free of the settings of whoever runs the tests; gives its output. */
export function git(folder: string, ...args: string[]): string {
  const settings = [
    'user.name=Ada',
    'user.email=ada@example.com',
    'protocol.file.allow=always',
    'init.defaultBranch=main',
  ];
  const flags = settings.flatMap((setting) => ['-c', setting]);
  const env = {
    PATH: process.env.PATH,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    HOME: folder,
  };
  return execFileSync('git', [...flags, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim();
}

/** A repository with one commit at a folder; gives the commit. */
export function repository(folder: string, ...flags: string[]): string {
  mkdirSync(folder, { recursive: true });
  git(folder, 'init', '--quiet', ...flags);
  return commit(folder);
}

export function commit(folder: string): string {
  git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'Change nothing');
  return git(folder, 'rev-parse', 'HEAD');
}
