function findAuthor(catalogue, authorId) {
  for (const author of catalogue.authors) {
    if (author.id === authorId) return author;
  }
  return undefined;
}

function similarity(catalogue, book, other) {
  const sharedTags = other.tags.filter((tag) => book.tags.includes(tag)).length;
  const here = findAuthor(catalogue, book.authorId);
  const there = findAuthor(catalogue, other.authorId);
  const sameCountry = here.country === there.country ? 1 : 0;
  return sharedTags + 2 * sameCountry + other.rating / 10;
}

export function readersAlsoLiked(catalogue, book, count = 6) {
  return catalogue.books
    .filter((other) => other.genre === book.genre && other.id !== book.id)
    .sort((a, b) => similarity(catalogue, book, b) - similarity(catalogue, book, a))
    .slice(0, count)
    .map((other) => ({ ...other, author: findAuthor(catalogue, other.authorId) }));
}

export function withAuthor(catalogue, book) {
  return { ...book, author: findAuthor(catalogue, book.authorId) };
}
