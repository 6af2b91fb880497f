import type { ExecutionContext } from 'ava';
import { send } from './http.js';
import { startListed } from './program.js';

/**
 * A receiver behind Pyroscope's published API. What is sent is taken apart by Pyroscope's own code; which profiles it
 * refuses and what it makes of them is in __test__/receivers/pyroscope-api/.
 */
export interface PyroscopeApi {
  /** Without a path, as in `PYROSCOPE_SERVER_ADDRESS`. */
  url: string;
  /**
   * The samples of a type that match a selector, as one profile (not compressed). The type is
   * `name:type:unit:period type:period unit`; a selector is `{service_name="shop"}`.
   */
  query(type: string, selector: string): Promise<Buffer>;
  /** The different sets of labels that samples came with. */
  series(): Promise<Record<string, string>[]>;
}

/** Started for one test, and ended with it. */
export async function startPyroscopeApi(t: ExecutionContext): Promise<PyroscopeApi> {
  const { url, close } = await startListed('pyroscope-api');
  t.teardown(close);
  const querier = `${url}/querier.v1.QuerierService`;
  return {
    url,
    async query(profileTypeID, labelSelector) {
      const answer = await fetch(`${querier}/SelectMergeProfile`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/proto' },
        body: new Uint8Array(selectMergeProfile(profileTypeID, labelSelector)),
      });
      if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
      return Buffer.from(await answer.arrayBuffer());
    },
    async series() {
      const headers = { 'Content-Type': 'application/json' };
      const { body } = await send({ url: `${querier}/Series`, headers, body: Buffer.from('{}') });
      const { labelsSet = [] } = JSON.parse(body) as {
        labelsSet?: { labels: { name: string; value: string }[] }[];
      };
      return labelsSet.map(({ labels }) =>
        Object.fromEntries(labels.map(({ name, value }) => [name, value])),
      );
    },
  };
}

/** A `SelectMergeProfileRequest`: type 1, selector 2. */
function selectMergeProfile(type: string, selector: string): Buffer {
  const field = (number: number, text: string): Buffer => {
    const bytes = Buffer.from(text);
    if (bytes.length > 127) throw new Error('a length of more than one byte');
    return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  };
  return Buffer.concat([field(1, type), field(2, selector)]);
}
