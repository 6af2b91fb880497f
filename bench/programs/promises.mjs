/** Thousands of short asynchronous functions: promise jobs, microtasks and timers' queues, little work in each. */
const TASKS = 500;

async function load(key) {
  await null;
  return key * 3;
}

async function combine(key) {
  const [first, second] = await Promise.all([load(key), load(key + 1)]);
  return (await load(first + second)) % 1000;
}

export async function step() {
  let sum = 0;
  for (const value of await Promise.all(Array.from({ length: TASKS }, (_, index) => combine(index))))
    sum += value;
  return sum;
}
