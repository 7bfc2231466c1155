import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { Jolokia } from '../../src/cassandra/jolokia.ts';
import type { OperatorError } from '../../src/errors.ts';

/** A Jolokia at a server that answers as told. The real one is in live-node.test.ts. */
async function jolokiaAt(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): Promise<Jolokia> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const jolokia = new Jolokia({ port: (server.address() as AddressInfo).port, user: 'u', password: 'secret' });
  t.teardown(() => {
    jolokia.close();
    server.closeAllConnections();
    server.close();
  });
  return jolokia;
}

const json = (body: unknown) => (_: IncomingMessage, response: ServerResponse) => {
  response.end(JSON.stringify(body));
};

test('a call is a POST with our password and the full signature', async (t) => {
  let seen: unknown;
  const jolokia = await jolokiaAt(t, async (request, response) => {
    const { method, url, headers } = request;
    seen = { method, url, authorization: headers.authorization, body: JSON.parse(await text(request)) as unknown };
    response.end('[{"status":200,"value":7}]');
  });
  t.is(await jolokia.execute('a:type=B', 'act(java.lang.String)', ['x']), 7);
  t.deepEqual(seen, {
    method: 'POST',
    url: '/jolokia/',
    authorization: `Basic ${Buffer.from('u:secret').toString('base64')}`,
    body: [{ type: 'exec', mbean: 'a:type=B', operation: 'act(java.lang.String)', arguments: ['x'] }],
  });
});

test('an error in the body of a 200 is an error, in short words', async (t) => {
  const error = 'java.io.IOException : Snapshot s already exists.';
  const jolokia = await jolokiaAt(t, json([{ status: 500, error, error_type: 'java.io.IOException' }]));
  const thrown = await t.throwsAsync<OperatorError>(jolokia.execute('a:b=c', 'takeSnapshot(java.lang.String)', ['s']));
  t.is(thrown.code, 'CASSANDRA_ERROR');
  t.is(thrown.message, 'takeSnapshot: IOException: Snapshot s already exists.');
});

test('a bulk call hands over each verdict, and refuses another number of them', async (t) => {
  const answers = [
    { status: 200, value: 1 },
    { status: 404, error: 'no such bean' },
  ];
  const read = { type: 'read', mbean: 'a:b=c', attribute: 'D' } as const;
  t.deepEqual(await (await jolokiaAt(t, json(answers))).bulk([read, read]), answers);
  const short = await jolokiaAt(t, json([answers[0]]));
  await t.throwsAsync(short.bulk([read, read]), { message: /expected 2 answers/ });
});

test('another owner of the port, no answer and garbage mean that Cassandra is not available', async (t) => {
  const unavailable = async (jolokia: Jolokia, words: RegExp) => {
    const error = await t.throwsAsync<OperatorError>(jolokia.read('a:b=c', 'D'));
    t.is(error.code, 'CASSANDRA_UNAVAILABLE');
    t.regex(error.message, words);
    t.false(error.message.includes('secret'));
  };
  const refusing = await jolokiaAt(t, (_, response) => void response.writeHead(401).end());
  await unavailable(refusing, /another process has that port/);
  await unavailable(await jolokiaAt(t, (_, response) => void response.end('<html>')), /does not answer/);
  await unavailable(await jolokiaAt(t, (request) => void request.socket.destroy()), /does not answer/);
});

test('a call ends at its deadline, and at once with the reason of its signal', async (t) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const silent = await jolokiaAt(t, () => controller.abort(reason));
  t.is(await t.throwsAsync(silent.read('a:b=c', 'D', { signal: controller.signal })), reason);
  const error = await t.throwsAsync<OperatorError>(silent.read('a:b=c', 'D', { timeoutMs: 1 }));
  t.is(error.code, 'TIMEOUT');
});
