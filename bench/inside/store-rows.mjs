// The same rows in a general database, a row a sample, in a process of their own: how long they take to write, and how long
// their sum by stack takes. Sends undefined where this Node.js has no such database.
import { openSync, readSync, rmSync, statSync } from 'node:fs';

const [, , engine, file, rowsFile, ranges, rounds] = process.argv;
const COLUMNS = 6;
const CHUNK = 2000 * COLUMNS * 8;

/** Rows of one profile after another: instance, minute, stack, endpoint, wall, cpu. */
function* profiles() {
  const handle = openSync(rowsFile, 'r');
  const bytes = Buffer.alloc(CHUNK);
  while (readSync(handle, bytes, 0, CHUNK, null) === CHUNK) {
    yield new Float64Array(bytes.buffer, bytes.byteOffset, CHUNK / 8);
  }
}

const SCHEMA =
  'CREATE TABLE row(instance INTEGER, minute INTEGER, stack INTEGER, endpoint INTEGER, wall BIGINT, cpu BIGINT)';
const sumOf = (instances) =>
  `SELECT stack, sum(cpu) AS cpu FROM row ${instances === 1 ? 'WHERE instance = 0' : ''} GROUP BY stack`;

async function sqlite() {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode = WAL; ${SCHEMA}; CREATE INDEX row_instance ON row(instance, minute)`);
  const insert = database.prepare('INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)');
  return {
    write(rows) {
      database.exec('BEGIN');
      for (let at = 0; at < rows.length; at += COLUMNS) insert.run(...rows.subarray(at, at + COLUMNS));
      database.exec('COMMIT');
    },
    query: (instances) => database.prepare(sumOf(instances)).all().length,
    close: () => database.close(),
  };
}

async function duckdb() {
  const { BIGINT, DuckDBDataChunk, DuckDBInstance, INTEGER } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  await connection.run(SCHEMA);
  const types = [INTEGER, INTEGER, INTEGER, INTEGER, BIGINT, BIGINT];
  return {
    async write(rows) {
      const appender = await connection.createAppender('row');
      const chunk = DuckDBDataChunk.create(types);
      const valueAt = (row, column) => rows[row * COLUMNS + column];
      const length = rows.length / COLUMNS;
      chunk.setColumns(
        types.map((type, column) =>
          Array.from({ length }, (_, row) =>
            type === BIGINT ? BigInt(valueAt(row, column)) : valueAt(row, column),
          ),
        ),
      );
      appender.appendDataChunk(chunk);
      appender.closeSync();
    },
    async query(instances) {
      const answer = await connection.runAndReadAll(sumOf(instances));
      return answer.getColumns()[0].length;
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function open() {
  try {
    return await { sqlite, duckdb }[engine]();
  } catch (error) {
    if (error.code === 'ERR_UNKNOWN_BUILTIN_MODULE' || error.code === 'ERR_MODULE_NOT_FOUND')
      return undefined;
    throw error;
  }
}

async function milliseconds(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function main() {
  rmSync(file, { force: true });
  const database = await open();
  if (database === undefined) {
    process.send(null);
    return;
  }
  let written = 0;
  const writing = await milliseconds(async () => {
    for (const rows of profiles()) {
      await database.write(rows);
      written += 1;
    }
  });
  const queries = Object.fromEntries(ranges.split(',').map((instances) => [instances, []]));
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const instances of Object.keys(queries)) {
      queries[instances].push(
        await milliseconds(async () => {
          if (!(await database.query(Number(instances)))) throw new Error('the table is empty');
        }),
      );
    }
  }
  const resident = process.memoryUsage.rss();
  await database.close();
  process.send({
    queries,
    writeMilliseconds: writing / written,
    residentMegabytes: resident / 1e6,
    diskMegabytes: statSync(file).size / 1e6,
  });
}

await main();
