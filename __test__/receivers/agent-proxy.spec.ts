import test from 'ava';
import { AGENT_KEY, startAgentProxy } from '../support/real-receivers/agent-proxy.js';
import { datadogUpload } from '../support/real-receivers/datadog.js';
import { send } from '../support/real-receivers/http.js';
import { realProfile } from '../support/real-receivers/profile.js';

test("the Datadog Agent hands a body on as it is, and turns the intake's 202 into 200", async (t) => {
  const profile = await realProfile(t);
  const { url, socketPath, intake } = await startAgentProxy(t);
  const upload = datadogUpload(url, profile);
  const answers = [
    await send(upload),
    await send({ ...upload, url: 'http://localhost/profiling/v1/input', socketPath }),
  ];
  t.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  t.is(intake.received.length, 2);
  for (const { path, headers, body } of intake.received) {
    t.is(path, '/api/v2/profile');
    t.deepEqual(body, upload.body);
    t.is(headers['dd-evp-origin'], 'everflame');
    t.is(headers['dd-api-key'], AGENT_KEY);
    t.regex(headers['x-datadog-additional-tags'] ?? '', /^host:agent-host,/);
  }
});

test("the Datadog Agent hands the intake's refusal back, and says 502 where there is no intake", async (t) => {
  const { url, intake } = await startAgentProxy(t);
  const upload = datadogUpload(url, Buffer.from('no profile'));
  for (const status of [400, 413, 429, 503]) {
    intake.answer(status);
    t.is((await send(upload)).status, status);
  }
  await intake.close();
  t.is((await send(upload)).status, 502);
});

test('the Datadog Agent says 408 where the intake takes too long', async (t) => {
  const { url, intake } = await startAgentProxy(t, 1);
  intake.answer(202, 20_000);
  t.is((await send(datadogUpload(url, Buffer.from('no profile')))).status, 408);
});
