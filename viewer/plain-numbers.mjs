/** What uPlot makes of the browser's language when it is loaded. */
const ASKED = 'new Intl.NumberFormat(domEnv ? nav.language : ';
const PLAIN = 'new Intl.NumberFormat(';

/**
 * Has uPlot write numbers in one way. Where the system has no language (a container, a session by ssh) browsers call it
 * `en-US@posix`, which is none to `Intl`, and the page would not begin.
 */
export function plainNumbers() {
  return {
    name: 'everflame-plain-numbers',
    transform(code, id) {
      if (!/\buplot\b.*\.js$/i.test(id)) return undefined;
      if (!code.includes(ASKED))
        throw new Error(`${id} asks for the language in another way: see plain-numbers.mjs`);
      return { code: code.replace(ASKED, PLAIN), map: null };
    },
  };
}
