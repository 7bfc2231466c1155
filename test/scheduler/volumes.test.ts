// On the embedded Mesos: data that outlive the executor, until an operator says that they may go.
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { defaultLimits } from '../../src/jobs/limits.ts';
import { createLogger } from '../../src/log.ts';
import { parseMasters } from '../../src/mesos/masters.ts';
import { MesosSchedulerClient } from '../../src/mesos/scheduler-client.ts';
import type { SchedulerCall, SchedulerClient, SchedulerEvent } from '../../src/mesos/types.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import { LastOffers } from '../../src/scheduler/last-offers.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import { embedded, temporaryDirectory } from '../mesos/helpers/mesos.ts';
import { FRAMEWORK } from '../mesos/running-scheduler.ts';
import { newState } from '../state/helpers.ts';
import { clusterJobs, withRole } from './helpers.ts';

const EXECUTOR = fileURLToPath(new URL('volume-executor.ts', import.meta.url));
const ID = 'cassandra.dev.node.0.executor';
const DEADLINE_MS = 40_000;

/** A client that tells of each event after it was handled, and keeps the operations that were asked for. */
class WatchedClient extends EventEmitter<{ handled: [] }> implements SchedulerClient {
  readonly operations: string[] = [];
  readonly #client: SchedulerClient;

  constructor(client: SchedulerClient) {
    super();
    this.#client = client;
  }

  get subscribed(): boolean {
    return this.#client.subscribed;
  }

  run(onEvent: (event: SchedulerEvent) => void | Promise<void>, signal: AbortSignal): Promise<void> {
    return this.#client.run(async (event) => {
      await onEvent(event);
      this.emit('handled');
    }, signal);
  }

  async call(call: SchedulerCall): Promise<void> {
    if (call.type === 'ACCEPT') this.operations.push(call.accept.operations.map(({ type }) => type).join(' '));
    await this.#client.call(call);
  }

  /** Waits until something that was heard made it so. */
  async until<T>(state: () => T | null): Promise<T> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const value = state();
      if (value !== null) return value;
      await once(this, 'handled', { signal });
    }
  }
}

type Disk = 'ROOT' | 'MOUNT' | 'PATH';

/** A scheduler with a principal and one node, whose data are to lie on a disk of this type. */
async function ringOfOne(t: ExecutionContext, type: Disk) {
  const ports = [
    { begin: 7000, end: 7000 },
    { begin: 9042, end: 9042 },
    { begin: 31_000, end: 31_005 },
  ];
  const resources = { cpus: 4, mem: 8000, disk: 20_000, ports };
  const mesos = await embedded(t, {
    agents: await Promise.all(
      ['127.0.0.1', '127.0.0.2'].map(async (ip) => {
        const root = await temporaryDirectory(t);
        const disks = type === 'ROOT' ? [] : [{ type, root, size: 1500 }];
        return { hostname: ip, ip, port: 0, resources, disks };
      }),
    ),
    credentials: { us: 'hush' },
  });
  const state = newState(t);
  const log = createLogger('volumes', process.env['LOG_LEVEL'] ?? 'silent');
  const client = new WatchedClient(
    new MesosSchedulerClient({
      masters: parseMasters(mesos.url.replace('http://', '')),
      frameworkInfo: { ...FRAMEWORK, name: 'cassandra.dev', roles: ['cassandra'], principal: 'us' },
      credential: { principal: 'us', secret: 'hush' },
      log,
      clock: systemClock,
      backoff: { minMs: 10, maxMs: 100 },
    }),
  );
  const jobs = clusterJobs(state, systemClock);
  const settings = {
    ...withRole,
    volumes: { type, count: 1 },
    nodeCount: 1,
    seedCount: 1,
    executorCommand: `exec '${process.execPath}' '${EXECUTOR}'`,
  };
  const lastOffers = new LastOffers(systemClock);
  const context = { client, state, jobs, settings, lastOffers, limits: defaultLimits, clock: systemClock, log };
  const scheduler = new Scheduler(context);
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  return { state, client, scheduler };
}

const comesBack = test.macro({
  title: (_given, type: Disk) =>
    `a node comes back on its own ${type} volume when its executor has ended, and gives all back when it is forgotten`,
  async exec(t, type: Disk) {
    const { state, client, scheduler } = await ringOfOne(t, type);
    const running = (launches: number) => (): ClusterNode | null => {
      const node = state.nodes.get(ID);
      return node?.launches === launches && node.health !== null ? node : null;
    };

    const first = await client.until(running(1));
    t.deepEqual(first.health?.tokens, ['start']);
    t.deepEqual(client.operations, ['RESERVE CREATE LAUNCH']);
    process.kill(Number(first.health?.hostId), 'SIGKILL');

    const second = await client.until(running(2));
    t.deepEqual(second.health?.tokens, ['start', 'start']);
    t.is(second.agentId, first.agentId);
    t.deepEqual(client.operations, ['RESERVE CREATE LAUNCH', 'LAUNCH']);
    t.like(second.reservation, { made: true });

    state.nodes.save({ ...second, targetRunState: 'TERMINATE', deleteData: true });
    scheduler.wake();
    await client.until(() => (client.operations.includes('DESTROY UNRESERVE') ? true : null));
    await client.until(() => (state.nodes.get(ID)?.reservation == null ? true : null));
  },
});

test(comesBack, 'ROOT');
test(comesBack, 'MOUNT');
