import { randomBytes } from 'node:crypto';
import compress from '@fastify/compress';
import Fastify from 'fastify';
import { createAccounts } from './accounts.mjs';
import { createCatalogue, STOCK } from './catalogue.mjs';
import { createReports } from './reports.mjs';
import { accountRoutes } from './routes/accounts.mjs';
import { pageRoutes } from './routes/pages.mjs';
import { shopRoutes } from './routes/shop.mjs';

export async function createApp() {
  const app = Fastify();
  const services = {
    catalogue: createCatalogue(STOCK),
    accounts: await createAccounts(),
    reports: createReports(),
    voucherSecret: randomBytes(32),
  };
  app.addHook('onClose', services.reports.close);
  await app.register(compress, { threshold: 2048 });
  await app.register(pageRoutes, services);
  await app.register(shopRoutes, services);
  await app.register(accountRoutes, services);
  return app;
}
