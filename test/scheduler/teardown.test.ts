import test, { type ExecutionContext } from 'ava';
import type { SchedulerSettings } from '../../src/scheduler/settings.ts';
import { destroyStage } from '../../src/scheduler/destroy.ts';
import { statePath } from '../state/helpers.ts';
import { World } from './random-world.ts';

const ROLE = { role: 'cassandra', principal: 'p', volumes: { type: 'ROOT' as const, count: 1 } };

async function runningRing(t: ExecutionContext, changes: Partial<SchedulerSettings>): Promise<World> {
  const world = new World(statePath(t), changes);
  t.teardown(() => world.close());
  await world.comeToRest();
  return world;
}

/** Time goes on until the condition holds; a test that waits in vain fails by it. */
async function passUntil(world: World, holds: () => boolean): Promise<void> {
  for (let round = 0; round < 100 && !holds(); round += 1) {
    await world.mesos.subscribe();
    await world.pass(2_000);
    await world.deliverAll();
  }
}

for (const [title, changes] of [
  ['without a role', {}],
  ['with reservations', ROLE],
] as const) {
  test(`a cluster ${title} that is destroyed leaves nothing on any agent, and its framework ends`, async (t) => {
    const world = await runningRing(t, changes);
    const untouched = world.mesos.agents[5]?.total.resources;
    await world.order((ring) => ring.destroy());
    await passUntil(world, () => world.mesos.isTornDown);
    t.true(world.mesos.isTornDown);
    t.deepEqual(world.nodes, []);
    for (const agent of world.mesos.agents) {
      t.deepEqual([...agent.executors.keys()], []);
      t.deepEqual(new Set(agent.total.resources), new Set(untouched));
    }
    t.is(world.state.framework.get('frameworkId'), null);
    t.is(destroyStage(world.state), 'DONE');
  });
}

test('a scheduler that is started again after the end makes nothing anew', async (t) => {
  const world = await runningRing(t, {});
  await world.order((ring) => ring.destroy());
  await passUntil(world, () => world.mesos.isTornDown);
  await world.restart();
  await world.order((ring) => ring.destroy());
  await passUntil(world, () => world.nodes.length > 0);
  t.deepEqual(world.nodes, []);
});

test('a removed node is forgotten with what it held, once its agent offers that', async (t) => {
  const world = await runningRing(t, ROLE);
  const [, , node] = world.nodes;
  const before = world.mesos.agents[5]?.total.resources;
  await world.order((ring) => ring.order(node?.executorId ?? '', 'stop'));
  await passUntil(world, () => world.nodes[2]?.serverState === 'NONE');
  await world.order((ring) => ring.replace(node?.executorId ?? ''));
  t.is(world.state.nodes.get(node?.executorId ?? '')?.targetRunState, 'TERMINATE');
  await world.order((ring) => ring.forget(node?.executorId ?? ''));
  await passUntil(world, () => world.state.nodes.get(node?.executorId ?? '') === null);
  t.is(world.state.nodes.get(node?.executorId ?? ''), null);
  const agent = world.mesos.agent(node?.agentId ?? undefined);
  t.deepEqual(new Set(agent?.total.resources), new Set(before));
});
