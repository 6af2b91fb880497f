import { isOf } from '../frames';
import { shareRule } from '../share-rule';

export const syncCrypto = shareRule({
  id: 'sync-crypto',
  title: 'Cryptography on the main thread',
  subject: 'cryptography on the main thread',
  rule: 'Functions of node:crypto take 15 % or more of the CPU time of the main thread: those that end in Sync, and hashes, signatures and ciphers, which are all computed where they are called. A service that hashes each small answer was at 1 to 6 %.',
  remedy:
    'Call the form with a callback (pbkdf2, scrypt, generateKeyPair, sign …), which computes in the pool of libuv. Move large hashes to a worker.',
  bound: 0.15,
  what: 'in functions of node:crypto',
  where: { is: (frame) => isOf(frame, 'node:crypto', 'node:internal/crypto/') },
});
