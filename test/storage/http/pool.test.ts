import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { answered, contentOf, directClient, get, onRequest, startRaw } from './servers.ts';

const MIB = 1024 ** 2;

test('connections are kept, at most so many, and who asks first is served first', async (t) => {
  const order: string[] = [];
  const waiting: Socket[] = [];
  const server = await startRaw(t, (socket) =>
    onRequest(socket, (head) => {
      order.push(head.split(' ')[1]!);
      waiting.push(socket);
    }),
  );
  const client = directClient({ connections: 2 });
  const asked = [1, 2, 3, 4, 5].map(async (nth) =>
    contentOf(await client.request(get(new URL(`/${nth}`, server.url)))),
  );
  const gone = new AbortController();
  const last = client.request(get(new URL('/6', server.url), { signal: gone.signal }));
  gone.abort(new Error('enough'));
  await t.throwsAsync(last, { message: 'enough' });
  for (let count = 0; count < 5;) {
    const socket = waiting.shift();
    if (socket === undefined) await new Promise((resolve) => setImmediate(resolve));
    else if (socket.write(answered('x'))) count += 1;
  }
  await Promise.all(asked);
  t.deepEqual(order.slice(2), ['/3', '/4', '/5']);
  t.is(server.sockets.length, 2);
});

test('a connection that the other side has closed meanwhile is no error of the request', async (t) => {
  const methods: string[] = [];
  // The first connection serves once; what comes next it takes, and then it ends.
  const server = await startRaw(t, (socket, connection) =>
    onRequest(socket, (head, nth) => {
      methods.push(head.split(' ')[0]!);
      if (connection === 1 && nth === 2) socket.destroy();
      else socket.write(answered(`${connection}`));
    }),
  );
  const client = directClient({ trustMs: 0 });
  t.is((await contentOf(await client.request(get(server.url)))).toString(), '1');
  const body = [Buffer.from('a part')];
  const again = await client.request(get(server.url, { method: 'PUT', body }));
  t.is((await contentOf(again)).toString(), '2');
  t.deepEqual(methods, ['GET', 'PUT', 'PUT']);
});

test('what is not to be done twice, and what breaks on a connection that has just served, is told', async (t) => {
  for (const [method, trustMs] of [
    ['POST', 0],
    ['GET', 60_000],
  ] as const) {
    const server = await startRaw(t, (socket) =>
      onRequest(socket, (_head, nth) => void (nth === 2 ? socket.destroy() : socket.write(answered('x')))),
    );
    const client = directClient({ trustMs });
    await contentOf(await client.request(get(server.url)));
    await t.throwsAsync(client.request(get(server.url, { method })), { code: 'ECONNRESET' });
    t.is(server.sockets.length, 1);
    t.is((await contentOf(await client.request(get(server.url)))).toString(), 'x', 'and the next has another');
  }
});

test('a connection whose answer says that it ends is not used again', async (t) => {
  const server = await startRaw(t, (socket) =>
    onRequest(socket, () => socket.end(answered('x', { headers: 'connection: close\r\n' }))),
  );
  const client = directClient();
  for (let nth = 1; nth <= 3; nth += 1) {
    await contentOf(await client.request(get(server.url)));
    t.is(server.sockets.length, nth);
  }
});

test('what comes after an answer is not taken for the answer to the next request', async (t) => {
  const server = await startRaw(t, (socket, connection) =>
    onRequest(socket, () => {
      socket.write(Buffer.concat([answered(`${connection}`), ...(connection === 1 ? [answered('wrong')] : [])]));
    }),
  );
  const client = directClient();
  const first = client.request(get(server.url)).then(contentOf);
  await first.catch(() => undefined);
  t.is((await contentOf(await client.request(get(server.url)))).toString(), '2');
});

test('who stops reading gives up the connection, and the next has another', async (t) => {
  const server = await startRaw(t, (socket) => onRequest(socket, () => socket.write(answered(Buffer.alloc(MIB)))));
  const client = directClient({ connections: 1 });
  const { body } = await client.request(get(server.url));
  for await (const _ of body) break;
  t.is((await contentOf(await client.request(get(server.url)))).length, MIB);
  t.is(server.sockets.length, 2);
});

test('an endpoint on which nobody listens is told, each time', async (t) => {
  const server = await startRaw(t, () => undefined);
  const free = connect(Number(server.url.port), '127.0.0.1');
  await once(free, 'connect');
  const { localPort } = free;
  free.destroy();
  const client = directClient({ connections: 1 });
  for (let nth = 0; nth < 3; nth += 1) {
    await t.throwsAsync(client.request(get(new URL(`http://127.0.0.1:${localPort}/`))), { code: 'ECONNREFUSED' });
  }
});
