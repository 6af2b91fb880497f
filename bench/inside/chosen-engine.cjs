// Names the engine that everflame chooses here.
const { Profiler } = require('../../dist/index.js');

const profiler = new Profiler({ exporters: [] }).start();
process.send(profiler.status.start, () => process.exit(0));
