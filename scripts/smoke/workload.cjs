// Burns CPU for a few seconds of the thread's own clock in one function that the profile must name.
const SECONDS = 4;

function mixNumbers(rounds) {
  let sum = 0;
  for (let index = 0; index < rounds; index += 1) sum = (sum * 31 + index) | 0;
  return sum;
}

let sum = 0;
while (process.cpuUsage().user < SECONDS * 1e6) sum = (sum + mixNumbers(200_000)) | 0;
process.stdout.write(`${process.arch} ${process.version} ${sum}\n`);
