// States of a cluster that a scheduler must survive, which only an embedded Mesos can be put into.
import test from 'ava';
import { contains } from '../../src/local/resources.ts';
import { isAlive } from '../../src/local/process-group.ts';
import type { EmbeddedMesos } from '../../src/local/embedded-mesos.ts';
import type { Agent } from '../../src/local/agent.ts';
import type { Offer } from '../../src/mesos/types.ts';
import { encodeSchedulerCall } from '../../src/mesos/messages.ts';
import { embedded } from '../mesos/helpers/mesos.ts';
import { launch, reserve, share } from '../mesos/helpers/reservation.ts';
import { FRAMEWORK, post, TestScheduler, testExecutor, testTask } from '../mesos/helpers/scheduler.ts';
import { environmentOf, executorOf } from './processes.ts';
import { runServer } from './run-server.ts';

const subscription = encodeSchedulerCall({ type: 'SUBSCRIBE', subscribe: { frameworkInfo: FRAMEWORK } });

function agentOf(mesos: EmbeddedMesos, { agentId }: Offer): Agent {
  const found = [mesos.agent(0), mesos.agent(1)].find(({ id }) => id === agentId.value);
  if (!found) throw new Error(`expected an agent ${agentId.value}`);
  return found;
}

test('an agent that is marked gone takes its tasks along and cannot come back, but as a new one', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const executor = executorOf(scheduler.frameworkId.value);
  const agent = agentOf(mesos, offer);
  mesos.markGone(offer.agentId.value);
  t.like(await scheduler.update('server', 'TASK_GONE_BY_OPERATOR'), {
    message: 'Agent has been marked gone',
    reason: 'REASON_AGENT_REMOVED_BY_OPERATOR',
    source: 'SOURCE_MASTER',
    executorId: { value: 'node.0.executor' },
  });
  t.deepEqual((await scheduler.next('FAILURE')).failure, { agentId: offer.agentId });
  await agent.shutdownExecutors();
  t.false(isAlive(executor));
  await agent.restart();
  const task = { taskId: { value: 'server' }, agentId: offer.agentId };
  await scheduler.call({ type: 'RECONCILE', reconcile: { tasks: [task] } });
  t.is((await scheduler.update('server', 'TASK_GONE_BY_OPERATOR')).message, 'Reconciliation: Task is gone');
  await agent.restartForgetting();
  const fresh = await scheduler.offer(({ url }) => url?.address.port === offer.url?.address.port);
  t.not(fresh.agentId.value, offer.agentId.value);
});

test('a framework that knows nothing of partitions hears TASK_LOST', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url, { capabilities: [{ type: 'MULTI_ROLE' }] });
  const offer = await runServer(scheduler);
  mesos.markGone(offer.agentId.value);
  t.is((await scheduler.update('server', 'TASK_LOST')).reason, 'REASON_AGENT_REMOVED');
});

for (const [state, capabilities] of [
  ['TASK_DROPPED', FRAMEWORK.capabilities ?? []],
  ['TASK_LOST', [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }]],
] as const) {
  test(`what is lost on the way to an agent is told when that registers again: ${state}`, async (t) => {
    const mesos = await embedded(t);
    const scheduler = await TestScheduler.subscribe(mesos.url, {
      roles: ['cassandra'],
      capabilities: [...capabilities],
    });
    const offer = await scheduler.offer();
    const agent = agentOf(mesos, offer);
    agent.deafen();
    const operations = [reserve([share('cassandra').cpus], 'reserve'), launch(testTask('server', offer))];
    await scheduler.accept(offer, operations, 3600);
    await agent.connect();
    const dropped = await scheduler.expect('server', state);
    t.like(dropped, { source: 'SOURCE_AGENT', message: 'Reconciliation: task unknown to the agent' });
    t.is(dropped.uuid?.length, 16);
    t.deepEqual((await scheduler.operation('reserve', 'OPERATION_DROPPED')).agentId, offer.agentId);
    const whole = await scheduler.wholeOffer(
      ({ agentId, resources }) => agentId.value === offer.agentId.value && contains(resources, offer.resources),
    );
    t.deepEqual(whole.resources, offer.resources, 'nothing is reserved there');
  });
}

test('a kill that was lost with its agent away is done when that is back', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const agent = agentOf(mesos, offer);
  agent.deafen();
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'server' }, agentId: offer.agentId } });
  await agent.connect();
  t.is((await scheduler.expect('server', 'TASK_KILLING', 'TASK_KILLED')).source, 'SOURCE_EXECUTOR');
});

test('an agent that is given up ends the operations of which nothing was acknowledged', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url, { roles: ['cassandra'] });
  const offer = await scheduler.offer();
  await scheduler.accept(offer, [reserve([share('cassandra').cpus], 'reserve')]);
  await scheduler.operation('reserve', 'OPERATION_FINISHED');
  const agent = agentOf(mesos, offer);
  agent.fail();
  const unreachable = await scheduler.operation('reserve', 'OPERATION_UNREACHABLE');
  t.is(unreachable.message, 'Agent was marked unreachable');
  await agent.connect();
  const again = await scheduler.operation('reserve', 'OPERATION_FINISHED');
  await scheduler.acknowledgeOperation(again);
});

test('a master that recovers answers 503, and says nothing of tasks before their agents are back', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const recover = async () => {
    await scheduler.ended();
    const refused = await post(mesos.url, subscription);
    t.deepEqual([refused.status, refused.text], [503, 'Master has not finished recovery']);
  };
  await mesos.restartMaster({ recover, agents: false });
  const again = await TestScheduler.subscribe(mesos.url, { id: scheduler.frameworkId });
  const { agentId } = offer;
  const tasks = [
    { taskId: { value: 'server' }, agentId },
    { taskId: { value: 'server' } },
    { taskId: { value: 'elsewhere' }, agentId: { value: 'no-such-agent' } },
  ];
  await again.call({ type: 'RECONCILE', reconcile: { tasks } });
  await again.update('elsewhere', 'TASK_UNKNOWN');
  t.is(again.count('UPDATE'), 0);
  await agentOf(mesos, offer).connect();
  await again.call({ type: 'RECONCILE', reconcile: { tasks: tasks.slice(0, 1) } });
  t.is((await again.update('server', 'TASK_RUNNING')).message, 'Reconciliation: Latest task state');
});

test('agents that do not come to a new master in time are unreachable', async (t) => {
  const mesos = await embedded(t, { agentTimeoutMs: 200 });
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  await mesos.restartMaster({ agents: false });
  const again = await TestScheduler.subscribe(mesos.url, { id: scheduler.frameworkId });
  await again.next('FAILURE', ({ failure }) => failure.agentId?.value === offer.agentId.value);
  const tasks = [{ taskId: { value: 'server' }, agentId: offer.agentId }];
  await again.call({ type: 'RECONCILE', reconcile: { tasks } });
  t.is((await again.update('server', 'TASK_UNREACHABLE')).message, 'Reconciliation: Task is unreachable');
});

test('when the leader dies the other master sends schedulers to it until it leads itself', async (t) => {
  const mesos = await embedded(t, { standby: [{ host: '127.0.0.1', port: 0 }] });
  const [first = '', second = ''] = mesos.urls;
  const scheduler = await TestScheduler.subscribe(first);
  const offer = await runServer(scheduler);
  await mesos.killLeader();
  await scheduler.ended();
  const { status, response } = await post(second, subscription);
  t.is(status, 307);
  t.is(response.headers.location, `//${new URL(first).host}/master/api/v1/scheduler`);
  await mesos.elect();
  t.is(mesos.url, second);
  const again = await TestScheduler.subscribe(second, { id: scheduler.frameworkId });
  await again.call({ type: 'RECONCILE', reconcile: { tasks: [] } });
  t.deepEqual((await again.update('server', 'TASK_RUNNING')).agentId, offer.agentId);
});

test('a framework that an operator has removed loses its stream and its executors, and hears ERROR', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url);
  await runServer(scheduler);
  const executor = executorOf(scheduler.frameworkId.value);
  mesos.removeFramework(scheduler.frameworkId.value);
  await scheduler.ended();
  const late = await TestScheduler.open(mesos.url, { id: scheduler.frameworkId });
  t.is((await late.next('ERROR')).error.message, 'Framework has been removed');
  await late.ended();
  await mesos.restartMaster();
  const later = await TestScheduler.open(mesos.url, { id: scheduler.frameworkId });
  t.is((await later.next('ERROR')).error.message, 'Framework has been removed');
  await mesos.stop({ killExecutors: true });
  t.false(isAlive(executor));
});

test('executors prove who they are by the token that their agent gave them', async (t) => {
  const mesos = await embedded(t, { executorAuthentication: true });
  const scheduler = await TestScheduler.subscribe(mesos.url);
  const offer = await runServer(scheduler);
  const { pid } = executorOf(scheduler.frameworkId.value);
  const environment = environmentOf(pid);
  t.regex(environment['MESOS_EXECUTOR_AUTHENTICATION_TOKEN'] ?? '', /^[\w-]+\.[\w-]+\.[\w-]+$/);
  await agentOf(mesos, offer).restart();
  await scheduler.call({ type: 'REVIVE' });
  const again = await scheduler.offer(({ agentId }) => agentId.value === offer.agentId.value);
  const bare = `unset MESOS_EXECUTOR_AUTHENTICATION_TOKEN; ${testExecutor('any').command?.value}`;
  const executor = testExecutor('bare.executor', { command: { value: bare } });
  await scheduler.launch(again, [testTask('proven', again), testTask('unproven', again, { executor })]);
  await scheduler.expect('proven', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.expect('unproven', 'TASK_FAILED');
});

test('offers name the fault domain of their agent, and go by role', async (t) => {
  const resources = { cpus: 4, mem: 8000, disk: 20_000, ports: [{ begin: 31_000, end: 32_000 }] };
  const domain = { region: 'eu', zone: 'a' };
  const agent = {
    hostname: 'h',
    ip: '127.0.0.1',
    port: 0,
    resources,
    domain,
    reserved: { kafka: { cpus: 2, mem: 64 } },
  };
  const mesos = await embedded(t, { agents: [agent] });
  const scheduler = await TestScheduler.subscribe(mesos.url, { roles: ['cassandra', 'kafka'] });
  const event = await scheduler.next('OFFERS');
  const roles = event.offers.offers.map(({ allocationInfo }) => allocationInfo?.role);
  t.deepEqual(roles, ['cassandra', 'kafka']);
  const [first, second] = event.offers.offers;
  t.deepEqual(first?.domain, { faultDomain: { region: { name: 'eu' }, zone: { name: 'a' } } });
  t.deepEqual(
    second?.resources.map(({ name, reservations }) => [name, reservations]),
    [
      ['cpus', [{ type: 'STATIC', role: 'kafka' }]],
      ['mem', [{ type: 'STATIC', role: 'kafka' }]],
    ],
  );
  await scheduler.call({ type: 'SUPPRESS', suppress: { roles: ['kafka'] } });
  for (const offer of event.offers.offers) {
    await scheduler.call({ type: 'DECLINE', decline: { offerIds: [offer.id], filters: { refuseSeconds: 0 } } });
  }
  t.is((await scheduler.offer()).allocationInfo?.role, 'cassandra');
  await scheduler.call({ type: 'REVIVE', revive: { roles: ['kafka'] } });
  t.is((await scheduler.offer()).allocationInfo?.role, 'kafka');
  t.is(scheduler.count('OFFERS'), 0);
});
