// Reservations and volumes of the embedded Mesos: where they lie, and what they survive.
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { contains } from '../../src/local/resources.ts';
import type { Offer, Resource } from '../../src/mesos/types.ts';
import { embedded, embeddedOptions, temporaryDirectory } from '../mesos/helpers/mesos.ts';
import {
  create,
  destroy,
  launch,
  reserve,
  share,
  unreserve,
  volume,
  volumeTask,
} from '../mesos/helpers/reservation.ts';
import { TestScheduler, testExecutor, testTask } from '../mesos/helpers/scheduler.ts';
import { createLogger } from '../../src/log.ts';

const ROLE = 'cassandra';
const EXECUTOR_ID = { value: 'node.0.executor' };
const { cpus, mem, disk } = share(ROLE);
const VOLUME = volume(ROLE);

/** Launches a task with a volume and ends its executor; the volume is free again. */
async function useVolume(scheduler: TestScheduler): Promise<Offer> {
  const offer = await scheduler.offer();
  const operations = [reserve([cpus, mem, disk]), create([VOLUME]), launch(volumeTask('server', offer, ROLE))];
  await scheduler.accept(offer, operations, 3600);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  const { agentId } = offer;
  await scheduler.call({ type: 'SHUTDOWN', shutdown: { executorId: EXECUTOR_ID, agentId } });
  await scheduler.expect('server', 'TASK_FAILED');
  return offer;
}

/** Runs a task on the volume again: what was written to it is there. */
async function useAgain(scheduler: TestScheduler, offer: Offer): Promise<string> {
  const kept = await scheduler.wholeOffer(
    ({ hostname, resources }) => hostname === offer.hostname && contains(resources, [cpus, mem, VOLUME]),
  );
  await scheduler.accept(kept, [launch(volumeTask('again', kept, ROLE))]);
  const { data = [] } = await scheduler.expect('again', 'TASK_STARTING', 'TASK_RUNNING');
  return Buffer.from(data).toString();
}

test('a reservation and its volume survive agent, master and scheduler', async (t) => {
  const workDir = await temporaryDirectory(t);
  const mesos = await embedded(t, { workDir });
  const scheduler = await TestScheduler.subscribe(mesos.url, { roles: [ROLE] });
  const offer = await useVolume(scheduler);
  for (const index of [0, 1]) await mesos.agent(index).restart();
  await mesos.restartMaster();
  await mesos.stop({ killExecutors: false });
  const next = await embedded(t, { workDir });
  const again = await TestScheduler.subscribe(next.url, { roles: [ROLE], id: scheduler.frameworkId });
  t.is(await useAgain(again, offer), 'line\nline\n');
});

test('an agent that comes back without its metadata is a new one, its tasks are lost and nothing is reserved', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url, { roles: [ROLE] });
  const offer = await scheduler.offer();
  await scheduler.accept(
    offer,
    [reserve([cpus, mem, disk]), create([VOLUME]), launch(volumeTask('server', offer, ROLE))],
    3600,
  );
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  const index = [0, 1].find((each) => mesos.agent(each).id === offer.agentId.value) ?? 0;
  await mesos.agent(index).restartForgetting();
  const lost = await scheduler.update('server', 'TASK_LOST');
  t.is(lost.message, `Agent ${offer.hostname} removed: a new agent registered at the same address`);
  t.is(lost.reason, 'REASON_AGENT_REMOVED');
  t.deepEqual((await scheduler.next('FAILURE')).failure, { agentId: offer.agentId });
  const fresh = await scheduler.offer(
    ({ agentId, url }) => agentId.value !== offer.agentId.value && url?.address.port === offer.url?.address.port,
  );
  t.deepEqual(fresh.resources, offer.resources);
});

test('a task has its volume only as long as it runs', async (t) => {
  const mesos = await embedded(t);
  const scheduler = await TestScheduler.subscribe(mesos.url, { roles: [ROLE] });
  const offer = await scheduler.offer();
  const executor = testExecutor('node.0.executor');
  const server = testTask('server', offer, { executor });
  const backup = testTask('backup', offer, { executor, wish: 'append data/file' });
  backup.resources.push(VOLUME);
  await scheduler.accept(offer, [reserve([disk]), create([VOLUME]), launch(server, backup)]);
  await scheduler.expect('server', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.expect('backup', 'TASK_STARTING', 'TASK_RUNNING');
  await scheduler.call({ type: 'KILL', kill: { taskId: { value: 'backup' } } });
  await scheduler.expect('backup', 'TASK_KILLING', 'TASK_KILLED');
  const rest = await scheduler.wholeOffer(({ resources }) => contains(resources, [VOLUME]));
  const late = testTask('late', rest, { executor, wish: 'append data/file' });
  await scheduler.accept(rest, [launch(late)]);
  // There is no such folder in the sandbox any more: the executor cannot write and dies of it.
  t.is((await scheduler.expect('late', 'TASK_STARTING', 'TASK_FAILED')).reason, 'REASON_EXECUTOR_TERMINATED');
});

test('disks beside the work directory are offered as what they are, and hold volumes', async (t) => {
  const workDir = await temporaryDirectory(t);
  const [first] = embeddedOptions(workDir, createLogger('test', 'silent')).agents;
  if (!first) throw new Error('expected an agent');
  const roots = { PATH: join(workDir, 'shared'), MOUNT: join(workDir, 'mounted') };
  const disks = (['PATH', 'MOUNT'] as const).map((type) => ({ type, root: roots[type], size: 500 }));
  const mesos = await embedded(t, { workDir, agents: [{ ...first, disks }] });
  const scheduler = await TestScheduler.subscribe(mesos.url, { roles: [ROLE] });
  const offer = await scheduler.offer();
  const volumes = offer.resources
    .filter((resource) => resource.disk?.source)
    .map((resource, index): Resource => {
      const size = resource.disk?.source?.type === 'MOUNT' ? 500 : 100;
      const persistence = { id: `data-${index}` };
      const mounted = { containerPath: `data-${index}`, mode: 'RW' as const };
      return {
        ...resource,
        scalar: { value: size },
        reservations: disk.reservations ?? [],
        disk: { ...resource.disk, persistence, volume: mounted },
      };
    });
  t.is(volumes.length, 2);
  const bare = volumes.map((each): Resource => ({
    ...each,
    disk: { source: each.disk?.source ?? { type: 'UNKNOWN' } },
  }));
  const executor = testExecutor('node.0.executor', {
    resources: [...(testExecutor('any').resources ?? []), ...volumes],
  });
  const tasks = volumes.map((_, index) =>
    testTask(`task-${index}`, offer, { executor, wish: `append data-${index}/file` }),
  );
  await scheduler.accept(offer, [reserve(bare), create(volumes), launch(...tasks)], 3600);
  for (const index of volumes.keys()) await scheduler.expect(`task-${index}`, 'TASK_STARTING', 'TASK_RUNNING');
  t.is(await readFile(join(roots.PATH, 'volumes', 'roles', ROLE, 'data-0', 'file'), 'utf8'), 'line\n');
  t.is(await readFile(join(roots.MOUNT, 'file'), 'utf8'), 'line\n');
  await scheduler.call({ type: 'SHUTDOWN', shutdown: { executorId: EXECUTOR_ID, agentId: offer.agentId } });
  const free = await scheduler.wholeOffer(({ resources }) => contains(resources, volumes));
  await scheduler.accept(free, [destroy(volumes, 'destroy'), unreserve(bare)]);
  await scheduler.operation('destroy', 'OPERATION_FINISHED');
  t.deepEqual(await readdir(roots.MOUNT), []);
  await t.throwsAsync(access(join(roots.PATH, 'volumes', 'roles', ROLE, 'data-0')));
  await scheduler.wholeOffer(({ resources }) => contains(resources, offer.resources));
});

test('sandboxes of executors that have ended go, the oldest first, and volumes stay', async (t) => {
  const workDir = await temporaryDirectory(t);
  const mesos = await embedded(t, { workDir, keepSandboxes: 1 });
  const scheduler = await TestScheduler.subscribe(mesos.url, { roles: [ROLE] });
  const offer = await useVolume(scheduler);
  t.is(await useAgain(scheduler, offer), 'line\nline\n');
  const agent = [0, 1].find((each) => mesos.agent(each).id === offer.agentId.value) ?? 0;
  const path = [
    'slaves',
    offer.agentId.value,
    'frameworks',
    scheduler.frameworkId.value,
    'executors',
    'node.0.executor',
  ];
  const runs = join(workDir, 'agents', String(agent), 'work', ...path, 'runs');
  t.is((await readdir(runs)).length, 2, 'one that has ended, one that lives');
  await scheduler.call({ type: 'SHUTDOWN', shutdown: { executorId: EXECUTOR_ID, agentId: offer.agentId } });
  await scheduler.expect('again', 'TASK_FAILED');
  await mesos.stop({ killExecutors: true });
  t.is((await readdir(runs)).length, 1);
  const work = join(workDir, 'agents', String(agent), 'work');
  t.is(await readFile(join(work, 'volumes', 'roles', ROLE, 'node.0.data', 'file'), 'utf8'), 'line\nline\n');
});
