/**
 * What a reader does to a graph, done in the page in every frame: at each `requestAnimationFrame` the next step, so that each interval
 * between two of them has the work of one.
 */

/** Intervals of one of them, in milliseconds. `canvas` is what is drawn on. */
function intervalsOf(page, name, steps) {
  return page.evaluate(
    ({ name, steps }) => {
      const canvas = document.querySelector('[role=application] canvas');
      const box = canvas.getBoundingClientRect();
      const search = document.querySelector('[data-search]');
      const text = 'handle1a2b';
      const at = (share) => ({ clientX: box.left + box.width * share, clientY: box.top + box.height / 2 });
      const wheel = (options, share = 0.5) =>
        canvas.dispatchEvent(
          new WheelEvent('wheel', { bubbles: true, cancelable: true, ...at(share), ...options }),
        );
      const acts = {
        still: () => {},
        // In and out by a factor of sixteen, at another place each time.
        zoom: (step) => wheel({ deltaY: step % 48 < 24 ? -40 : 40 }, 0.1 + (0.8 * ((step * 7) % 48)) / 48),
        // Across what was zoomed to before, and back.
        pan: (step) => wheel({ deltaX: step % 80 < 40 ? 30 : -30 }),
        point: (step) =>
          canvas.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, ...at((step % 97) / 97) })),
        // A letter in each eighth frame, which is faster than people type.
        search: (step) => {
          if (step % 8 > 0) return;
          const letters = (step / 8) % (text.length + 1);
          search.value = text.slice(0, letters);
          search.dispatchEvent(new InputEvent('input', { bubbles: true }));
        },
      };
      const act = acts[name];
      if (name === 'pan') for (let step = 0; step < 12; step++) wheel({ deltaY: -40 });
      return new Promise((resolve) => {
        const intervals = [];
        let before;
        let step = 0;
        const frame = (now) => {
          if (before !== undefined) intervals.push(now - before);
          before = now;
          if (step === steps) return resolve(intervals);
          act(step++);
          requestAnimationFrame(frame);
        };
        // What went before is drawn first.
        requestAnimationFrame(() => requestAnimationFrame(frame));
      });
    },
    { name, steps },
  );
}

export const INTERACTIONS = ['still', 'zoom', 'pan', 'point', 'search'];

/**
 * Does each of them `rounds` times on a graph, beginning with all of it in view.
 * @returns the intervals of each, and the CPU time of the page's scripts and of its whole main thread, all in milliseconds
 */
export async function measureAll(page, { rounds, steps }) {
  const all = Object.fromEntries(INTERACTIONS.map((name) => [name, { intervals: [], script: 0, tasks: 0 }]));
  const session = await page.context().newCDPSession(page);
  // By the clock of the thread: what others have on the processors does not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (name) => metrics.find((metric) => metric.name === name).value * 1000;
    return { script: of('ScriptDuration'), tasks: of('TaskDuration') };
  };
  for (let round = 0; round < rounds; round++) {
    for (const name of INTERACTIONS) {
      const one = all[name];
      await page.getByRole('application').press('Escape');
      const before = await spent();
      one.intervals.push(...(await intervalsOf(page, name, steps)));
      const after = await spent();
      one.script += after.script - before.script;
      one.tasks += after.tasks - before.tasks;
      await page.locator('[data-search]').fill('');
    }
  }
  return all;
}
