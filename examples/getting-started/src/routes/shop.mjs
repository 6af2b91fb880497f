import MiniSearch from 'minisearch';
import { renderMarkdown } from '../pages.mjs';

const KEPT_ORDERS = 20_000;

const searchSchema = {
  querystring: {
    type: 'object',
    required: ['q'],
    properties: {
      q: { type: 'string', minLength: 2 },
      limit: { type: 'integer', minimum: 1, maximum: 50, default: 20 },
    },
  },
};

const orderSchema = {
  body: {
    type: 'object',
    required: ['items', 'email'],
    properties: {
      email: { type: 'string', format: 'email' },
      items: {
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: {
          type: 'object',
          required: ['slug', 'copies'],
          properties: { slug: { type: 'string' }, copies: { type: 'integer', minimum: 1, maximum: 50 } },
        },
      },
    },
  },
};

const reviewSchema = {
  body: { type: 'object', required: ['text'], properties: { text: { type: 'string', maxLength: 20_000 } } },
};

export async function shopRoutes(app, { catalogue, reports }) {
  const index = new MiniSearch({ fields: ['title', 'description'], storeFields: ['title', 'slug', 'cents'] });
  index.addAll(catalogue.books);
  const orders = [];

  app.get('/api/books', { schema: searchSchema }, async (request) => {
    const { q, limit } = request.query;
    return { hits: index.search(q, { prefix: true }).slice(0, limit) };
  });

  app.post('/api/orders', { schema: orderSchema }, async (request, reply) => {
    const number = `order-${orders.length + 1}`;
    const lines = request.body.items.map(({ slug, copies }) => ({
      book: catalogue.bySlug.get(slug),
      copies,
    }));
    if (lines.some(({ book }) => book === undefined))
      return reply.code(422).send({ error: 'A book is not in stock.' });
    for (const { book, copies } of lines)
      orders.push({ number, bookId: book.id, copies, cents: book.cents * copies });
    if (orders.length > KEPT_ORDERS) orders.splice(0, orders.length - KEPT_ORDERS);
    return reply
      .code(201)
      .send({ number, cents: lines.reduce((sum, { book, copies }) => sum + book.cents * copies, 0) });
  });

  app.post('/api/reviews/preview', { schema: reviewSchema }, async (request) => {
    return { html: renderMarkdown(request.body.text) };
  });

  app.post('/api/reports', async () => reports.make(orders));
}
