/** Parses, changes, sorts and writes a list of records: what much of a JSON service's time goes into. */
const TEXT = JSON.stringify(
  Array.from({ length: 400 }, (_, index) => ({
    id: (index * 7919) % 400,
    name: `record ${(index * 104729) % 1000}`,
    values: [index, index * 2, index * 3],
  })),
);

function parse() {
  return JSON.parse(TEXT);
}

function order(records) {
  return records.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id));
}

function summarise(records) {
  return records.map((record) => ({
    ...record,
    total: record.values.reduce((sum, value) => sum + value, 0),
  }));
}

export async function step() {
  return JSON.stringify(summarise(order(parse()))).length;
}
