import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import anyTest, { type ExecutionContext } from 'ava';
import type { HttpClient } from '../../../src/storage/http/http-client.ts';
import { HAS_OPENSSL, startTlsFront } from '../../helpers/tls-front.ts';
import {
  answered,
  closed,
  contentOf,
  directClient,
  get,
  memory,
  onRequest,
  startRaw,
  type RawServer,
} from './servers.ts';

const CHILD = new URL('../../helpers/one-request-child.ts', import.meta.url).pathname;
const MIB = 1024 ** 2;
/** More than the system keeps for both sides. */
const LARGE = 32 * MIB;

/** How the same server is reached. */
const WAYS: Record<string, (t: ExecutionContext, server: RawServer) => Promise<{ url: URL; client: HttpClient }>> = {
  'in the clear': (_t, { url }) => Promise.resolve({ url, client: directClient() }),
  'by TLS': async (t, { url }) => {
    const front = await startTlsFront(t, url.href);
    return { url: new URL(front.url), client: directClient({ trust: { rejectUnauthorized: false } }) };
  },
};

for (const [way, connect] of Object.entries(WAYS)) {
  const test = way === 'by TLS' && !HAS_OPENSSL ? anyTest.skip : anyTest;

  test(`large and small bodies go both ways ${way}, on one connection`, async (t) => {
    const server = await startRaw(t, (socket) => {
      let left = 0;
      socket.on('data', (chunk: Buffer) => {
        if (left === 0) {
          const head = chunk.toString('latin1');
          left = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0) + head.indexOf('\r\n\r\n') + 4;
        }
        left -= chunk.length;
        if (left === 0) socket.write(answered(Buffer.alloc(5 * MIB, 'x')));
      });
    });
    const { url, client } = await connect(t, server);
    const into = memory(8 * MIB);
    for (const body of [[], [Buffer.alloc(3 * MIB)], [Buffer.from('a')]]) {
      into.fill(0);
      const [chunk] = (await (
        await client.request(get(url, { method: 'PUT', body, into }))
      ).body.toArray()) as Buffer[];
      t.is(chunk?.buffer, into.buffer);
      t.true(into.subarray(0, 5 * MIB).equals(Buffer.alloc(5 * MIB, 'x')));
      t.is(into[5 * MIB], 0);
    }
    t.is(server.sockets.length, 1);
  });

  for (const moment of ['while it comes in', 'later'] as const) {
    test(`nothing reaches the memory of a request that was given up ${moment}, ${way}`, async (t) => {
      const server = await startRaw(t, (socket) =>
        onRequest(socket, () => socket.write(answered(Buffer.alloc(LARGE)))),
      );
      const { url, client } = await connect(t, server);
      const into = memory(LARGE);
      const controller = new AbortController();
      const giveUp = (): void => {
        controller.abort(new Error('enough'));
        // From here on it is another one's.
        into.fill(1);
      };
      let moves = 0;
      const moved = (): void => {
        moves += 1;
        if (moves !== 3) return;
        if (moment === 'later') setImmediate(giveUp);
        else giveUp();
      };
      await t.throwsAsync(client.request(get(url, { into, moved, signal: controller.signal })), { message: 'enough' });
      const [socket] = server.sockets;
      await closed(socket!);
      t.true(into.equals(Buffer.alloc(LARGE, 1)));
      // The next one has a connection of its own.
      const [chunk] = (await (await client.request(get(url, { into }))).body.toArray()) as Buffer[];
      t.is(chunk?.length, LARGE);
      t.is(server.sockets.length, 2);
    });
  }
}

anyTest('an abort ends a request in each of its phases with the reason, and its connection with it', async (t) => {
  const reason = new Error('enough');
  const gone = new AbortController();
  gone.abort(reason);
  const idle = await startRaw(t, () => undefined);
  t.is(await t.throwsAsync(directClient().request(get(idle.url, { signal: gone.signal }))), reason);
  t.is(idle.sockets.length, 0);

  const controllers = [new AbortController(), new AbortController(), new AbortController()] as const;
  const [connecting, waiting, reading] = controllers.map(({ signal }) => signal);
  // A handshake that is never answered.
  const secure = new URL(idle.url.href.replace('http:', 'https:'));
  const shaking = directClient().request(get(secure, { signal: connecting }));
  const silent = await startRaw(t, (socket) => onRequest(socket, () => controllers[1].abort(reason)));
  const asking = directClient().request(get(silent.url, { signal: waiting }));
  const half = await startRaw(t, (socket) => onRequest(socket, () => socket.write(answered('half').subarray(0, -2))));
  const answer = await directClient().request(get(half.url, { signal: reading }));
  const read = contentOf(answer);
  controllers[2].abort(reason);
  t.is(await t.throwsAsync(read), reason);
  t.is(await t.throwsAsync(asking), reason);
  controllers[0].abort(reason);
  t.is(await t.throwsAsync(shaking), reason);
  for (const { sockets } of [silent, half]) await closed(sockets[0]!);
});

anyTest('a connection that nobody uses is closed after a while', async (t) => {
  const server = await startRaw(t, (socket) => onRequest(socket, () => socket.write(answered('x'))));
  await contentOf(await directClient({ idleMs: 20 }).request(get(server.url)));
  await closed(server.sockets[0]!);
  t.pass();
});

anyTest('a connection that waits for the next request does not keep the process', async (t) => {
  const server = await startRaw(t, (socket) => onRequest(socket, () => socket.write(answered('done'))));
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, server.url.href], { timeout: 20_000 });
  t.is(stdout.trim(), 'done');
});
