// A master with agents that are plain objects: what a benchmark of thousands of them uses.
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { agentResources } from '../../src/local/agent-resources.ts';
import type { AgentLink } from '../../src/local/links.ts';
import { MasterEndpoint } from '../../src/local/master-endpoint.ts';
import { Master } from '../../src/local/master.ts';
import { newUuid } from '../../src/local/uuid.ts';
import { createLogger } from '../../src/log.ts';
import { TestScheduler, testTask } from '../mesos/helpers/scheduler.ts';

const AGENTS = 300;
const log = createLogger('master', 'silent');

async function openMaster(t: ExecutionContext): Promise<{ master: Master; url: string }> {
  const times = { heartbeatMs: 15_000, allocationIntervalMs: 50, agentTimeoutMs: 75_000 };
  const master = new Master({ ...times, hostname: '127.0.0.1', ip: '127.0.0.1', clock: systemClock, log });
  const endpoint = await MasterEndpoint.open({ host: '127.0.0.1', port: 0, log });
  endpoint.lead(master);
  t.teardown(async () => {
    master.stop();
    await endpoint.close();
  });
  return { master, url: `http://${endpoint.address}` };
}

const ignore = () => {};

/** An agent whose tasks run as soon as they are launched, and end when they are killed. */
function simulate(master: Master, index: number): void {
  const report = (frameworkId: string, taskId: string, state: 'TASK_RUNNING' | 'TASK_KILLED') => {
    const status = { taskId: { value: taskId }, state, agentId: { value: id }, uuid: newUuid() };
    setImmediate(() => master.statusUpdate(frameworkId, status, state));
  };
  const link: AgentLink = {
    launch: (framework, task) => report(framework.id?.value ?? '', task.taskId.value, 'TASK_RUNNING'),
    kill: (frameworkId, taskId) => report(frameworkId, taskId, 'TASK_KILLED'),
    acknowledge: ignore,
    applyOperation: ignore,
    acknowledgeOperation: ignore,
    reconcileTask: ignore,
    shutdown: ignore,
    shutdownExecutor: ignore,
    message: ignore,
    frameworkUpdated: ignore,
    frameworkRemoved: ignore,
  };
  const resources = agentResources({ resources: { cpus: 4, mem: 8000, ports: [{ begin: 7000, end: 7001 }] } });
  const info = { hostname: `host-${index}`, port: 5051, resources };
  const id = master.register({ id: undefined, info, ip: '127.0.0.1', frameworks: [], executors: [], tasks: [] }, link);
}

test('agents of whatever make are offered at once, and each runs its task', async (t) => {
  const { master, url } = await openMaster(t);
  for (let index = 0; index < AGENTS; index += 1) simulate(master, index);
  const scheduler = await TestScheduler.subscribe(url);
  const { offers } = (await scheduler.next('OFFERS')).offers;
  t.is(new Set(offers.map(({ hostname }) => hostname)).size, AGENTS);
  await Promise.all(offers.map((offer) => scheduler.launch(offer, [testTask(offer.hostname, offer)])));
  for (const { hostname } of offers) await scheduler.expect(hostname, 'TASK_RUNNING');
  t.is(scheduler.count('OFFERS'), 0, 'what is left of them is refused');
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'host-7' } } });
  await scheduler.expect('host-7', 'TASK_KILLED');
  const more = await scheduler.next('OFFERS');
  t.deepEqual(
    more.offers.offers.map(({ hostname }) => hostname),
    ['host-7'],
  );
});
