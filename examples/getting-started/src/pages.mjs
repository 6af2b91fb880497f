import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import MarkdownIt from 'markdown-it';
import { readersAlsoLiked, withAuthor } from './recommendations.mjs';

const eta = new Eta({ views: fileURLToPath(new URL('../views', import.meta.url)), cache: true });
const markdown = new MarkdownIt({ linkify: true, typographer: true });
const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' });

function price(cents) {
  return euros.format(cents / 100);
}

export function renderMarkdown(text) {
  return markdown.render(text);
}

export function renderHome(catalogue) {
  const shelves = catalogue.shelves.map(({ genre, books }) => ({
    genre,
    books: books.toSorted((a, b) => b.rating - a.rating).slice(0, 8),
  }));
  return eta.render('home', { title: 'Bookshop', shelves, price });
}

export function renderBook(catalogue, book) {
  return eta.render('book', {
    title: book.title,
    book: withAuthor(catalogue, book),
    description: renderMarkdown(book.description),
    related: readersAlsoLiked(catalogue, book),
    price,
  });
}
