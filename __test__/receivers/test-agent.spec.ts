import test from 'ava';
import { datadogUpload } from '../support/real-receivers/datadog.js';
import { partsOf, send } from '../support/real-receivers/http.js';
import { realProfile } from '../support/real-receivers/profile.js';
import { startTestAgent } from '../support/real-receivers/test-agent.js';

test("Datadog's test agent keeps what comes over TCP and over its socket", async (t) => {
  const profile = await realProfile(t);
  const { url, socketPath, received } = await startTestAgent(t);
  const upload = datadogUpload(url, profile);
  t.is((await send(upload)).status, 200);
  t.is((await send({ ...upload, url: 'http://localhost/profiling/v1/input', socketPath })).status, 200);

  const requests = await received();
  t.is(requests.length, 2);
  for (const request of requests) {
    t.is(request.method, 'POST');
    t.is(request.path, '/profiling/v1/input');
    t.is(request.headers['dd-evp-origin'], 'everflame');
    t.is(request.headers['content-length'], `${upload.body.length}`);
    const [event, wall, ...others] = await partsOf(request);
    t.deepEqual(others, []);
    t.is(event?.name, 'event');
    t.deepEqual(JSON.parse(`${event?.data}`).attachments, [wall?.filename]);
    t.deepEqual(wall?.data, profile);
  }
});
