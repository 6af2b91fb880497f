import { renderBook, renderHome } from '../pages.mjs';

export async function pageRoutes(app, { catalogue }) {
  app.get('/', async (_request, reply) => {
    return reply.type('text/html').send(renderHome(catalogue));
  });

  app.get('/books/:slug', async (request, reply) => {
    const book = catalogue.bySlug.get(request.params.slug);
    if (book === undefined) return reply.code(404).send({ error: 'There is no such book.' });
    return reply.type('text/html').send(renderBook(catalogue, book));
  });
}
