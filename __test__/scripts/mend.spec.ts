/** The mend of the example that docs/getting-started.md tells of, and that its pictures are made with. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { temporaryFolder } from '../support/folder.js';
import { ROOT } from '../support/spawn.js';

const EXAMPLE = join(ROOT, 'examples', 'getting-started');
const PATCH = join(EXAMPLE, 'mend.patch');

interface Book {
  slug: string;
  author?: { id: string };
}
interface Shop {
  /** What stands beside each book. */
  recommended: { slug: string; author: string | undefined }[][];
  /** How many authors were looked at for the first one. */
  looked: number;
}

/** What a version of the example recommends for each book of its stock. */
async function shopOf(folder: string): Promise<Shop> {
  const load = <Module>(file: string) =>
    import(pathToFileURL(join(folder, 'src', file)).href) as Promise<Module>;
  const { createCatalogue, STOCK } = await load<{
    STOCK: object;
    createCatalogue(size: object): { books: Book[]; authors: { id: string }[] };
  }>('catalogue.mjs');
  const { readersAlsoLiked } = await load<{ readersAlsoLiked(catalogue: object, book: Book): Book[] }>(
    'recommendations.mjs',
  );
  const catalogue = createCatalogue(STOCK);
  const recommend = (book: Book) =>
    readersAlsoLiked(catalogue, book).map(({ slug, author }) => ({ slug, author: author?.id }));
  const recommended = catalogue.books.map(recommend);
  let looked = 0;
  catalogue.authors = new Proxy(catalogue.authors, {
    get: (authors, key) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) looked++;
      return Reflect.get(authors, key) as unknown;
    },
  });
  recommend(catalogue.books[0] as Book);
  return { recommended, looked };
}

test('the mended shop recommends the same books, and walks through no authors for it', async (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(EXAMPLE, 'src'), join(folder, 'src'), { recursive: true });
  execFileSync('git', ['apply', PATCH], { cwd: folder });
  const before = await shopOf(EXAMPLE);
  const after = await shopOf(folder);
  t.is(before.recommended.length, 800);
  t.true(before.recommended.every(({ length }) => length === 6));
  t.deepEqual(after.recommended, before.recommended);
  // Four walks a comparison, each through half of 300 authors, as it comes.
  t.true(before.looked > 100_000, String(before.looked));
  t.is(after.looked, 0);
});

test('each line of the mend stands in the guide', (t) => {
  const guide = readFileSync(join(ROOT, 'docs', 'getting-started.md'), 'utf8');
  const added = readFileSync(PATCH, 'utf8')
    .split('\n')
    .filter((line) => /^\+(?!\+\+)/.test(line))
    .map((line) => line.slice(1).trim());
  t.is(added.length, 5);
  t.deepEqual(
    added.filter((line) => !guide.includes(line)),
    [],
  );
});
