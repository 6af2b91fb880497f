import type { Rule } from '../rule';
import { blockedLoop } from './blocked-loop';
import { deoptimisation } from './deoptimisation';
import { exceptions } from './exceptions';
import { garbageCollection } from './garbage-collection';
import { json } from './json';
import { logging } from './logging';
import { moduleLoading } from './module-loading';
import { pool } from './pool';
import { regularExpression } from './regular-expression';
import { syncCrypto } from './sync-crypto';
import { syncFs } from './sync-fs';
import { syncZlib } from './sync-zlib';

/** All rules, in the order in which they are listed. */
export const RULES: readonly Rule[] = [
  blockedLoop,
  syncFs,
  syncCrypto,
  syncZlib,
  json,
  regularExpression,
  garbageCollection,
  moduleLoading,
  logging,
  pool,
  exceptions,
  deoptimisation,
];
