import { issueVoucher } from '../vouchers.mjs';

const signInSchema = {
  body: {
    type: 'object',
    required: ['email', 'password'],
    properties: { email: { type: 'string', format: 'email' }, password: { type: 'string', minLength: 8 } },
  },
};

const voucherSchema = {
  body: {
    type: 'object',
    required: ['cents'],
    properties: { cents: { type: 'integer', minimum: 500, maximum: 20_000 } },
  },
};

export async function accountRoutes(app, { accounts, voucherSecret }) {
  app.post('/api/sign-in', { schema: signInSchema }, async (request, reply) => {
    const { email, password } = request.body;
    if (await accounts.signIn(email, password)) return { signedIn: true };
    return reply.code(401).send({ error: 'Wrong address or password.' });
  });

  app.post('/api/vouchers', { schema: voucherSchema }, async (request, reply) => {
    return reply.code(201).send(await issueVoucher(voucherSecret, request.body.cents));
  });
}
