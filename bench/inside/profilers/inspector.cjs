const { Session } = require('node:inspector');
const { promisify } = require('node:util');
const { gzip } = require('node:zlib');

const compress = promisify(gzip);
const session = new Session();

// Commands of a session on its own thread are answered before `post` returns.
function post(method, parameters) {
  let answer;
  session.post(method, parameters, (error, result) => {
    if (error) throw error;
    answer = result;
  });
  return answer;
}

exports.start = ({ rate = 100 }) => {
  session.connect();
  post('Profiler.enable');
  post('Profiler.setSamplingInterval', { interval: Math.round(1e6 / rate) });
  post('Profiler.start');
};

exports.flush = async () => {
  const { profile } = post('Profiler.stop');
  post('Profiler.start');
  return compress(JSON.stringify(profile));
};
