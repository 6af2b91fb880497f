// A server that nobody calls: whatever wakes up here is the profiler or Node itself.
const server = require('node:http').createServer((_request, response) => response.end());
server.listen(0, '127.0.0.1', () => process.send('listening'));
process.once('SIGTERM', () => process.exit(0));
