import { pbkdf2, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';

const deriveSignature = promisify(pbkdf2);
const deriveCode = promisify(scrypt);

/** Issues a gift voucher whose code cannot be guessed from its number. */
export async function issueVoucher(secret, cents) {
  const salt = randomBytes(16);
  const code = await deriveCode(secret, salt, 12, { N: 2048, r: 8, p: 1 });
  const signature = await deriveSignature(secret, code, 20_000, 32, 'sha512');
  return { code: code.toString('base64url'), cents, signature: signature.toString('base64url') };
}
