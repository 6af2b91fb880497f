const { Profiler } = require('../../../dist/index.js');

let profiler;

exports.start = ({ rate, outputPrefix }) => {
  profiler = new Profiler({ rate, output: outputPrefix });
  profiler.start();
};

exports.flush = async () => (await profiler.flush()).data;
