// Burns CPU for some seconds in one function that the profile must name. From here on: under emulation Node.js has used seconds
// before.
const SECONDS = 4;

function mixNumbers(rounds) {
  let sum = 0;
  for (let index = 0; index < rounds; index += 1) sum = (sum * 31 + index) | 0;
  return sum;
}

const start = process.cpuUsage();
let sum = 0;
while (process.cpuUsage(start).user < SECONDS * 1e6) sum = (sum + mixNumbers(200_000)) | 0;
process.stdout.write(`${process.arch} ${process.version} ${sum}\n`);
