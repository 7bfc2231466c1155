import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Clock } from '../../src/clock.ts';
import { createLogger } from '../../src/log.ts';
import { ExternalSeeds } from '../../src/scheduler/external-seeds.ts';

/** The scheduler of another datacenter. */
async function otherScheduler(t: ExecutionContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A clock whose sleeps are told, and end when the test says so. */
function steppedClock(): { clock: Clock; slept: () => Promise<() => void> } {
  const waiting: ((wake: () => void) => void)[] = [];
  const sleeping: (() => void)[] = [];
  const meet = (): void => {
    if (waiting.length > 0 && sleeping.length > 0) waiting.shift()?.(sleeping.shift() as () => void);
  };
  return {
    clock: {
      now: () => 0,
      sleep: (_ms, signal) =>
        new Promise((resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          sleeping.push(resolve);
          meet();
        }),
    },
    slept: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        meet();
      }),
  };
}

test("another datacenter's seeds are taken, and stay when its scheduler does not answer", async (t) => {
  let answers = 0;
  const url = await otherScheduler(t, (request, response) => {
    t.is(request.url, '/node/seed/all');
    answers += 1;
    if (answers === 1) response.end('{"nativePort":9042,"seeds":["10.1.0.1","10.1.0.2"]}');
    else response.writeHead(500).end('no');
  });
  const { clock, slept } = steppedClock();
  const external = new ExternalSeeds([{ name: 'west', url }], clock, createLogger('test', 'silent'));
  const end = new AbortController();
  const running = external.run(end.signal);
  const wake = await slept();
  t.deepEqual(external.seeds, ['10.1.0.1', '10.1.0.2']);
  wake();
  await slept();
  t.is(answers, 2);
  t.deepEqual(external.seeds, ['10.1.0.1', '10.1.0.2']);
  end.abort();
  await running;
});

test('without other datacenters nobody is asked', async (t) => {
  const { clock } = steppedClock();
  const external = new ExternalSeeds([], clock, createLogger('test', 'silent'));
  await external.run(new AbortController().signal);
  t.deepEqual(external.seeds, []);
});
