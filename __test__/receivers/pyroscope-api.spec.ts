import test, { type ExecutionContext } from 'ava';
import { decodeProfile } from '#src/profile/read.js';
import { total } from '../support/pprof.js';
import { type Answer, send } from '../support/real-receivers/http.js';
import { realProfile } from '../support/real-receivers/profile.js';
import { startPyroscopeApi } from '../support/real-receivers/pyroscope-api.js';

function push(url: string, name: string, profile: Buffer): Promise<Answer> {
  const labels = Object.entries({ __name__: name, service_name: 'shop' });
  const body = {
    series: [
      {
        labels: labels.map(([name, value]) => ({ name, value })),
        samples: [{ rawProfile: profile.toString('base64') }],
      },
    ],
  };
  return send({
    url: `${url}/push.v1.PusherService/Push`,
    headers: { 'Content-Type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  });
}

const sums = (t: ExecutionContext, profile: Buffer, type: string): number => {
  const sum = total([decodeProfile('profile', profile)], type);
  t.true(sum > 0);
  return sum;
};

test('what is pushed to Pyroscope is what a query gives', async (t) => {
  const profile = await realProfile(t);
  const { url, query, series } = await startPyroscopeApi(t);
  for (const times of [1, 2]) {
    const answer = await push(url, 'wall', profile);
    t.is(answer.status, 200, answer.body);
    for (const [type, unit] of [
      ['wall', 'nanoseconds'],
      ['cpu', 'nanoseconds'],
      ['sample', 'count'],
    ] as const) {
      const result = await query(`wall:${type}:${unit}:wall:nanoseconds`, '{service_name="shop"}');
      t.is(sums(t, result, type), times * sums(t, profile, type));
    }
  }
  // Labels of samples are labels of series there.
  t.true((await series()).some((labels) => labels['thread name'] === 'Main Event Loop'));
});

test('Pyroscope refuses what is no profile of its kind', async (t) => {
  const { url } = await startPyroscopeApi(t);
  const refused = await push(url, 'wall', Buffer.from('no profile'));
  t.is(refused.status, 400);
  t.is(JSON.parse(refused.body).code, 'invalid_argument');
});
