import { dirname, join } from 'node:path';
import { packagesRoot } from './package-root';

/** Not in the typings of Node.js 20: there where the permission model is on. */
const { permission } = process as { permission?: { has(scope: string, reference?: string): boolean } };

/** Whether Node.js runs under its permission model (https://nodejs.org/api/permissions.html). */
export const isRestricted = permission !== undefined;

/** Whether the permission model keeps this path from being read. */
export function isUnreadable(path: string): boolean {
  return permission?.has('fs.read', path) === false;
}

/** The flag that lets Node.js read this package and those that it loads. */
export const flagToRead = `--allow-fs-read=${join(packagesRoot, '*')}`;

/** That flag where it is missing. */
export function flagsToReadPackages(): string[] {
  return isUnreadable(join(packagesRoot, '*')) ? [flagToRead] : [];
}

/**
 * The flags without which no profile can be written to this path, those that are there left out. Reading is one of them:
 * a file is written under another name and renamed, which takes both.
 */
export function flagsToWrite(path: string): string[] {
  const scopes = ['fs.read', 'fs.write'];
  const missing = scopes.filter((scope) => permission?.has(scope, path) === false);
  return (missing.length > 0 ? missing : scopes).map(
    (scope) => `--allow-${scope.replace('.', '-')}=${join(dirname(path), '*')}`,
  );
}
