// Keeps profiles in a store, asks it for the function with the most CPU time, and prints that with the version of Node.js.
const { readFileSync } = require('node:fs');

const [binary, folder, ...files] = process.argv.slice(2);
const { NativeStore } = require(binary);

async function main() {
  const parts = files.map((file) => ({ name: 'wall.pprof', format: 'pprof', data: readFileSync(file) }));
  const store = NativeStore.open(folder, false);
  const upload = { service: 'smoke', tags: ['env', 'test'], start: 0n, end: 0n, parts };
  const [outcomes] = await store.ingest([upload]);
  const odd = outcomes.filter(({ state }) => state !== 'kept');
  if (odd.length > 0) throw new Error(JSON.stringify(odd));
  store.close();
  const reader = NativeStore.open(folder, true);
  const all = { service: 'smoke', from: 0, to: Date.now() + 1000, type: 'cpu', where: [] };
  const [row] = JSON.parse(await reader.table(all, 'function', 1)).rows;
  const [major] = process.versions.node.split('.');
  console.log(`${process.arch} v${major}.: ${row.name}`);
}

main();
