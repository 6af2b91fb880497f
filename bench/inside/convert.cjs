// A process that converts one profile for a receiver several times, as the delivery thread does once a minute.
const { readFileSync } = require('node:fs');
const { OtlpExporter } = require('../../dist/src/upload/exporters/otlp');
const { PyroscopeExporter } = require('../../dist/src/upload/exporters/pyroscope');

const [, , receiver, path, rounds] = process.argv;
const exporters = {
  pyroscope: () => new PyroscopeExporter({ serverAddress: 'http://localhost:4040' }),
  otlp: () => new OtlpExporter({ endpoint: 'http://localhost:4318' }),
  'otlp, timeline': () => new OtlpExporter({ endpoint: 'http://localhost:4318', timeline: true }),
};
const end = BigInt(Date.now()) * 1_000_000n;
const upload = {
  identity: {
    runtimeId: '',
    service: 'bench',
    tags: [],
    pid: 1,
    profilerVersion: '0',
    runtime: { nodeVersion: '' },
  },
  sequence: 0,
  start: end - 60_000_000_000n,
  end,
  attachments: [{ name: 'wall.pprof', data: readFileSync(path) }],
};

async function convert() {
  const exporter = exporters[receiver]();
  const before = process.memoryUsage.rss();
  const turns = [];
  let requests = [];
  for (let round = 0; round < Number(rounds); round++) {
    const [wall, cpu] = [performance.now(), process.cpuUsage()];
    requests = await exporter.requests(upload);
    const { user, system } = process.cpuUsage(cpu);
    turns.push({ milliseconds: performance.now() - wall, cpuMilliseconds: (user + system) / 1000 });
  }
  const bytes = requests.reduce((sum, { body }) => sum + body.length, 0);
  process.send({
    turns,
    bytes,
    requests: requests.length,
    residentBytes: process.memoryUsage.rss() - before,
  });
  process.disconnect();
}

convert();
