import { hash, verify } from '@node-rs/argon2';

const COST = { memoryCost: 4096, timeCost: 2, parallelism: 1 };

/** The customers that can sign in; passwords are kept as Argon2 hashes. */
export async function createAccounts() {
  const hashes = new Map([['ana@example.org', await hash('correct horse battery', COST)]]);
  return {
    async signIn(email, password) {
      const known = hashes.get(email);
      return known !== undefined && verify(known, password);
    },
  };
}
