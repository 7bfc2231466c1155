import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { ShortRead } from '../../../src/storage/objects/watch.ts';
import { answered, contentOf, directClient, get, memory, onRequest, startRaw } from './servers.ts';

const MIB = 1024 ** 2;

test('what fits comes into the memory where it is wanted, as one chunk that lies there, and all else as a stream', async (t) => {
  const content = randomBytes(3 * MIB);
  const server = await startRaw(t, (socket) => onRequest(socket, () => socket.write(answered(content))));
  const client = directClient();
  const into = memory(4 * MIB);
  let moves = 0;
  const answer = await client.request(get(server.url, { into, moved: () => void (moves += 1) }));
  const [chunk, ...more] = (await answer.body.toArray()) as Buffer[];
  t.deepEqual(more, []);
  t.is(chunk?.buffer, into.buffer);
  t.is(chunk?.byteOffset, 0);
  t.true(content.equals(chunk!));
  t.true(moves > 0);
  const small = memory(content.length - 1);
  t.true(content.equals(await contentOf(await client.request(get(server.url, { into: small })))));
  t.true(small.equals(Buffer.alloc(small.length)), 'nothing was written there');
  t.is(server.sockets.length, 1);
});

test('an error answer never comes into the memory', async (t) => {
  const server = await startRaw(t, (socket) =>
    onRequest(socket, () => socket.write(answered('refused', { status: 503, headers: 'retry-after: 3\r\n' }))),
  );
  const into = memory(100);
  const answer = await directClient().request(get(server.url, { into }));
  t.is(answer.status, 503);
  t.is(answer.headers['retry-after'], '3');
  t.is((await contentOf(answer)).toString(), 'refused');
  t.true(into.equals(Buffer.alloc(100)));
});

test('a request has the path, headers and body that were given, and says where it goes and how long it is', async (t) => {
  const heads: string[] = [];
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    heads.push(`${request.method} ${request.url} ${request.headers.host} ${String(request.headers['x-a'])}`);
    void request.toArray().then((chunks) => {
      bodies.push(Buffer.concat(chunks as Buffer[]));
      response.end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = new URL(`http://${host}/b/k%2F%20'?a=%2F&b`);
  const large = randomBytes(3 * MIB + 1);
  for (const body of [undefined, [], [Buffer.from('ab'), Buffer.from('c')], [large, large]]) {
    const answer = await directClient().request(get(url, { method: 'PUT', headers: { 'X-A': 'é' }, body }));
    t.is(answer.status, 200);
    await contentOf(answer);
  }
  t.deepEqual(new Set(heads), new Set([`PUT /b/k%2F%20'?a=%2F&b ${host} é`]));
  const expected = [Buffer.alloc(0), Buffer.alloc(0), Buffer.from('abc'), Buffer.concat([large, large])];
  t.true(expected.every((body, index) => body.equals(bodies[index]!)));
});

test('what would begin another header or request is not sent, and not told', async (t) => {
  const server = await startRaw(t, (socket) => onRequest(socket, () => socket.write(answered('x'))));
  for (const wrong of [
    { headers: { authorization: 'hidden\r\nx: y' } },
    { headers: { authorization: 'hidden\n' } },
    { headers: { authorization: 'hidden\0' } },
    { headers: { authorization: 'hidden ☃' } },
    { headers: { 'a b': 'hidden' } },
    { method: 'GET / HTTP/1.1\r\nx: hidden' },
  ]) {
    const error = await t.throwsAsync(directClient().request(get(server.url, wrong)));
    t.notRegex(error.message, /hidden/);
  }
  t.is(server.sockets.length, 0);
});

test('an answer that is cut is a short read, before its body, in it, and in memory', async (t) => {
  const cut: [Buffer, RegExp][] = [
    [Buffer.from('HTTP/1.1 20'), /ended before the answer did/],
    [answered('content').subarray(0, -3), /3 more bytes/],
    [Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab'), /ended before the answer did/],
  ];
  for (const [bytes, message] of cut) {
    const server = await startRaw(t, (socket) => onRequest(socket, () => socket.end(bytes)));
    for (const into of [undefined, memory(100)]) {
      const read = async (): Promise<Buffer> => contentOf(await directClient().request(get(server.url, { into })));
      await t.throwsAsync(read, { instanceOf: ShortRead, message });
    }
  }
});

test('a body up to the end of the connection is whole', async (t) => {
  const content = randomBytes(MIB);
  const server = await startRaw(t, (socket) =>
    onRequest(socket, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.end(content);
    }),
  );
  t.true(content.equals(await contentOf(await directClient().request(get(server.url, { into: memory(2 * MIB) })))));
});

test('an answer that comes while the request is still being sent is read, and its connection not used again', async (t) => {
  const server = await startRaw(t, (socket) => {
    // The rest is never read.
    socket.once('data', () => {
      socket.pause();
      socket.end(answered('not here', { status: 403 }));
    });
  });
  const client = directClient();
  const body = [Buffer.alloc(64 * MIB)];
  for (let nth = 1; nth <= 2; nth += 1) {
    const answer = await client.request(get(server.url, { method: 'PUT', body }));
    t.is(answer.status, 403);
    t.is((await contentOf(answer)).toString(), 'not here');
    t.is(server.sockets.length, nth);
  }
});

test('a server that wants to see the body first, or says that it goes on, gets it', async (t) => {
  const bytes = 5 * MIB;
  const server = await startRaw(t, (socket) => {
    let come = 0;
    socket.on('data', (chunk: Buffer) => {
      if (come === 0) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      come += chunk.length;
      if (come > bytes) socket.write(answered('thanks'));
    });
  });
  const answer = await directClient().request(get(server.url, { method: 'PUT', body: [Buffer.alloc(bytes)] }));
  t.is((await contentOf(answer)).toString(), 'thanks');
});

test('of what nobody reads no more comes than is in memory, and it goes on when somebody does', async (t) => {
  const content = randomBytes(32 * MIB);
  const server = await startRaw(t, (socket) => onRequest(socket, () => socket.write(answered(content))));
  const answer = await directClient().request(get(server.url));
  const [socket] = server.sockets;
  // What the system keeps for both sides is full when it stays as it is.
  for (let before = -1; socket!.bytesWritten - socket!.writableLength !== before;) {
    before = socket!.bytesWritten - socket!.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.true(answer.body.readableLength < MIB, String(answer.body.readableLength));
  t.true(content.equals(await contentOf(answer)));
});

test('who cannot be reached, or says nothing, is given up in time', async (t) => {
  const silent = await startRaw(t, () => undefined);
  await t.throwsAsync(directClient({ silenceMs: 50 }).request(get(silent.url)), { code: 'ETIMEDOUT' });
  const secure = new URL(silent.url.href.replace('http:', 'https:'));
  await t.throwsAsync(directClient().request(get(secure, { connectMs: 50 })), { code: 'ETIMEDOUT' });
  const closed = await startRaw(t, (socket) => socket.destroy());
  await t.throwsAsync(directClient().request(get(closed.url)), { code: 'ECONNRESET' });
  const slow = await startRaw(t, (socket) =>
    onRequest(socket, () => socket.write(answered('content').subarray(0, -1))),
  );
  const client = directClient({ silenceMs: 50, connections: 1 });
  await t.throwsAsync(client.request(get(slow.url, { into: memory(10) })), { code: 'ETIMEDOUT' });
  await t.throwsAsync(client.request(get(slow.url)).then(contentOf), { code: 'ETIMEDOUT' });
});
