'use strict';

/** CPU seconds of the process. Programs end by what they have used, so that a machine with other work makes them longer, not smaller. */
function used() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Whether the program has yet to go on: until it has used as many CPU seconds as its first argument says. */
exports.goesOn = () => used() < Number(process.argv[2] ?? 1);

/** Calls `work` again and again for so many CPU milliseconds. */
exports.during = function during(milliseconds, work) {
  const until = used() + milliseconds / 1000;
  let result;
  do result = work();
  while (used() < until);
  return result;
};

/** Calls `work` in turns of the event loop. Between two the loop waits, as that of a service with room does. */
exports.requests = function requests(work) {
  const next = () => {
    work();
    if (exports.goesOn()) setTimeout(next, 10);
  };
  next();
};
