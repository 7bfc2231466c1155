// Masters and agents with TLS, whose certificates are signed by a CA that is given, or by none that we know.
import test, { type ExecutionContext } from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { listen } from './listen.ts';
import { certificate, startPeer } from './loopback-peer.ts';
import { start as startExecutor, SUBSCRIBED } from './running-executor.ts';
import { createClient, recorded, SCHEDULER, start } from './running-scheduler.ts';

const ca = certificate('ca.pem');
const credential = { principal: 'alice', secret: 's3cret' };

test('subscribes at a master whose certificate the CA has signed, and calls it', async (t) => {
  const peer = await startPeer(t, { tls: true });
  const { client, events } = start(t, { masters: [`https://${peer.address}`], ca, credential });
  const request = await peer.requests.take();
  t.is(request.headers.authorization, `Basic ${Buffer.from('alice:s3cret').toString('base64')}`);
  request.stream(recorded(SCHEDULER, 7));
  await events.take();
  const calling = client.call({ type: 'REVIVE' });
  (await peer.requests.take()).accept();
  await t.notThrowsAsync(calling);
});

const wrong = test.macro({
  title: (what = '') => `says why, and tries again, when ${what}`,
  async exec(t: ExecutionContext, { ca: given, tls = true }: { ca?: string; tls?: boolean }, reason: RegExp) {
    const peer = await startPeer(t, { tls });
    const { log, lines } = listen();
    const masters = [`https://${peer.address}`];
    const { ended, abort } = start(t, { masters, log, credential, ...(given === undefined ? {} : { ca: given }) });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const line = await lines.take();
      t.regex(line, reason);
      t.false(line.includes('s3cret'));
    }
    abort();
    await t.notThrowsAsync(ended);
    t.is(peer.requests.size, 0);
  },
});

test('another CA has signed the certificate', wrong, { ca: certificate('other-ca.pem') }, /check that --mesos-ca-file/);
test('no CA is given for a certificate of its own kind', wrong, {}, /check that --mesos-ca-file/);
test('the master does not speak https', wrong, { ca, tls: false }, /check that it speaks https/);

test('a certificate for another host is refused', async (t) => {
  const peer = await startPeer(t, { tls: true });
  const { log, lines } = listen();
  start(t, { masters: [`https://localhost:${peer.address.split(':')[1]}`], log, ca });
  t.regex(await lines.take(), /ERR_TLS_CERT_ALTNAME_INVALID/);
});

test('a redirect from https to http is not followed: the credentials would be readable', async (t) => {
  const [secure, open] = [await startPeer(t, { tls: true }), await startPeer(t)];
  const { log, lines } = listen();
  start(t, { masters: [`https://${secure.address}`], log, ca, credential });
  (await secure.requests.take()).answer(307, '', { Location: `http://${open.address}/master/api/v1/scheduler` });
  t.regex(await lines.take(), /which is not https/);
  const again = await secure.requests.take();
  again.answer(307, '', { Location: `//${secure.address}/master/api/v1/scheduler` });
  t.is((await secure.requests.take()).path, '/master/api/v1/scheduler');
  t.is(open.requests.size, 0);
});

test('a CA that is none is refused before anything is sent', (t) => {
  const error = t.throws(() => createClient({ masters: ['https://127.0.0.1:5050'], ca: 'no certificate' }), {
    instanceOf: OperatorError,
  });
  t.is(error.code, 'BAD_REQUEST');
  t.regex(error.hint ?? '', /--mesos-ca-file/);
});

test('an executor subscribes at an agent with TLS, and shows its token only to it', async (t) => {
  const peer = await startPeer(t, { tls: true });
  const { log, lines } = listen();
  const authToken = 'executor-t0ken';
  const agentEndpoint = `https://${peer.address}`;
  const { events } = await startExecutor(t, { agentEndpoint, ca, authToken, log });
  const request = await peer.requests.take();
  t.is(request.headers.authorization, 'Bearer executor-t0ken');
  request.stream(SUBSCRIBED);
  await events.take();
  t.false((await lines.take()).includes('t0ken'));

  await startExecutor(t, { agentEndpoint, ca: certificate('other-ca.pem'), authToken, log });
  const line = await lines.take();
  t.regex(line, /check that --mesos-ca-file/);
  t.false(line.includes('t0ken'));
  t.is(peer.requests.size, 0);
});
