import { pick, seededRandom } from './random.mjs';

const GENRES = ['travel', 'history', 'crime', 'poetry', 'science', 'cooking', 'gardening', 'biography'];
const COUNTRIES = ['Portugal', 'Norway', 'Chile', 'Japan', 'Kenya', 'Canada', 'Ireland', 'India'];
const TAGS = [
  'award',
  'debut',
  'illustrated',
  'translated',
  'short',
  'classic',
  'series',
  'signed',
  'large print',
  'new',
];
const FIRST = [
  'Ana',
  'Bjorn',
  'Carla',
  'Daisuke',
  'Esi',
  'Fiona',
  'Gita',
  'Hugo',
  'Ines',
  'Jomo',
  'Kirsten',
  'Liam',
];
const LAST = [
  'Almeida',
  'Berg',
  'Contreras',
  'Doi',
  'Eze',
  'Flynn',
  'Ghosh',
  'Hansen',
  'Ivers',
  'Jordan',
  'Kato',
  'Low',
];
const ADJECTIVES = [
  'Quiet',
  'Borrowed',
  'Northern',
  'Paper',
  'Salt',
  'Second',
  'Hidden',
  'Slow',
  'Winter',
  'Open',
];
const NOUNS = [
  'Harbour',
  'Orchard',
  'Letters',
  'Compass',
  'Kitchen',
  'Railway',
  'Garden',
  'Archive',
  'Island',
  'Lantern',
];
const SENTENCES = [
  'A *patient* account of a year spent on the edge of a small town.',
  'The author visits **seven** markets and comes home with as many recipes.',
  'Every chapter begins with a map, and ends with a question.',
  'Reviewers called it "the book to lend and never get back".',
  'Read it beside the [author notes](https://example.org/notes) for the full picture.',
  'It asks what is left of a place when its `name` changes.',
];

/** The stock that the service and its load driver agree on. */
export const STOCK = { books: 800, authors: 300, seed: 7 };

function describe(random) {
  const paragraphs = Array.from({ length: 3 }, () =>
    Array.from({ length: 4 }, () => pick(random, SENTENCES)).join(' '),
  );
  const points = Array.from({ length: 4 }, () => `- ${pick(random, SENTENCES)}`).join('\n');
  return `## About this book\n\n${paragraphs.join('\n\n')}\n\n### What to expect\n\n${points}\n`;
}

/**
 * The shop's stock, kept in memory.
 * @param {{ books: number, authors: number, seed: number }} size
 */
export function createCatalogue({ books, authors, seed }) {
  const random = seededRandom(seed);
  const catalogue = {
    authors: Array.from({ length: authors }, (_, index) => ({
      id: `author-${index + 1}`,
      name: `${pick(random, FIRST)} ${pick(random, LAST)}`,
      country: pick(random, COUNTRIES),
    })),
    books: Array.from({ length: books }, (_, index) => {
      const title = `The ${pick(random, ADJECTIVES)} ${pick(random, NOUNS)}`;
      return {
        id: index + 1,
        slug: `${title.toLowerCase().replaceAll(' ', '-')}-${index + 1}`,
        title,
        authorId: `author-${1 + Math.floor(random() * authors)}`,
        genre: pick(random, GENRES),
        tags: TAGS.filter(() => random() < 0.3),
        rating: Math.round(random() * 50) / 10,
        cents: 600 + Math.floor(random() * 3000),
        description: describe(random),
      };
    }),
  };
  catalogue.bySlug = new Map(catalogue.books.map((book) => [book.slug, book]));
  catalogue.shelves = GENRES.map((genre) => ({
    genre,
    books: catalogue.books.filter((book) => book.genre === genre),
  }));
  return catalogue;
}
