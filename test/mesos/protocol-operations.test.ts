// The wire protocol of a Mesos master and its agents, seen by a scheduler: reservations and persistent volumes. Against
// MESOS_MASTER when that is set (its agents must be able to run this directory's test executor), else against the
// embedded one. What a test reserves is its own role's, and unreserved at its end.
import type { ExecutionContext } from 'ava';
import { messageOf } from '../../src/errors.ts';
import { contains, scalar } from '../../src/local/resources.ts';
import type { Offer, SchedulerEvent } from '../../src/mesos/types.ts';
import { subscribed } from './helpers/mesos.ts';
import { test } from './helpers/protocol-test.ts';
import {
  create,
  destroy,
  launch,
  newRole,
  reserve,
  share,
  unreserve,
  volume,
  volumeTask,
} from './helpers/reservation.ts';
import type { TestScheduler } from './helpers/scheduler.ts';

const EXECUTOR_ID = { value: 'node.0.executor' };

type OperationEvent = Extract<SchedulerEvent, { type: 'UPDATE_OPERATION_STATUS' }>;

interface Started {
  role: string;
  scheduler: TestScheduler;
  /** Large enough. */
  offer: Offer;
}

/** A framework in a role of its own. Nothing, with the reason in the log, when a real master's agents are too small. */
async function start(t: ExecutionContext): Promise<Started | undefined> {
  const role = newRole();
  const { scheduler } = await subscribed(t, { roles: [role] });
  try {
    return { role, scheduler, offer: await scheduler.offer(isEnough) };
  } catch (error) {
    if (process.env['MESOS_MASTER'] === undefined) throw error;
    t.log(`left out: nobody offers 1 CPU, 256 MB and a disk of 128 MB to the role ${role}: ${messageOf(error)}`);
    t.pass();
    return undefined;
  }
}

function isEnough({ resources }: Offer): boolean {
  return scalar(resources, 'cpus') >= 1 && scalar(resources, 'mem') >= 256 && scalar(resources, 'disk') >= 128;
}

const all = (role: string) => Object.values(share(role));

/** An offer of the agent with all that; others of it are declined, so that they come in one. */
function offerWith(scheduler: TestScheduler, { agentId }: Offer, wanted: Offer['resources']): Promise<Offer> {
  return scheduler.wholeOffer(
    ({ agentId: at, resources }) => at.value === agentId.value && contains(resources, wanted),
  );
}

async function shutdown(scheduler: TestScheduler, { agentId }: Offer, taskId: string): Promise<void> {
  await scheduler.call({ type: 'SHUTDOWN', shutdown: { executorId: EXECUTOR_ID, agentId } });
  await scheduler.expect(taskId, 'TASK_FAILED');
}

async function runVolumeTask(scheduler: TestScheduler, taskId: string): Promise<string> {
  const { data = [] } = await scheduler.expect(taskId, 'TASK_STARTING', 'TASK_RUNNING');
  return Buffer.from(data).toString();
}

test('one ACCEPT reserves, creates a volume and launches on it; the volume outlives its executor until it is destroyed', async (t) => {
  const started = await start(t);
  if (!started) return;
  const { role, scheduler, offer } = started;
  const { cpus, mem, disk } = share(role);
  t.is(offer.allocationInfo?.role, role);
  t.true(offer.resources.every(({ allocationInfo }) => allocationInfo?.role === role));
  const task = volumeTask('server', offer, role);
  const operations = [reserve(all(role), 'reserve'), create([volume(role)], 'create'), launch(task)];
  t.is((await scheduler.accept(offer, operations, 3600)).status, 202);
  for (const id of ['reserve', 'create']) {
    const status = await scheduler.operation(id, 'OPERATION_FINISHED');
    t.deepEqual(status.agentId, offer.agentId);
    t.is(status.uuid?.value.length, 16);
    await scheduler.acknowledgeOperation(status);
  }
  t.is(await runVolumeTask(scheduler, 'server'), 'line\n');
  const beside = await offerWith(scheduler, offer, []);
  t.false(contains(beside.resources, [volume(role)]), 'the volume is in use');
  await scheduler.call({ type: 'DECLINE', decline: { offerIds: [beside.id], filters: { refuseSeconds: 3600 } } });
  await shutdown(scheduler, offer, 'server');
  const kept = await offerWith(scheduler, offer, [cpus, mem, volume(role)]);
  t.false(contains(kept.resources, [disk]));
  await scheduler.accept(kept, [launch(volumeTask('again', kept, role))], 3600);
  t.is(await runVolumeTask(scheduler, 'again'), 'line\nline\n');
  await shutdown(scheduler, offer, 'again');
  const free = await offerWith(scheduler, offer, [cpus, mem, volume(role)]);
  await scheduler.accept(free, [
    destroy([volume(role)]),
    create([volume(role)]),
    launch(volumeTask('anew', free, role)),
  ]);
  t.is(await runVolumeTask(scheduler, 'anew'), 'line\n', 'what was on it is destroyed');
  await shutdown(scheduler, offer, 'anew');
  const last = await offerWith(scheduler, offer, [cpus, mem, volume(role)]);
  await scheduler.accept(last, [destroy([volume(role)]), unreserve(all(role))]);
  const whole = await offerWith(scheduler, offer, []);
  t.true(whole.resources.every(({ reservations = [] }) => reservations.length === 0));
});

test('operations that do not fit are refused with the reason, and what depends on them as well', async (t) => {
  const started = await start(t);
  if (!started) return;
  const { role, scheduler, offer } = started;
  const { cpus } = share(role);
  const refusal = async (id: string) => {
    const { uuid, message } = await scheduler.operation(id, 'OPERATION_ERROR');
    t.is(uuid, undefined, 'nobody has to acknowledge what was never done');
    return message ?? '';
  };
  const tooMuch = { ...cpus, scalar: { value: 9999 } };
  const task = volumeTask('server', offer, role);
  await scheduler.accept(offer, [reserve([tooMuch], 'too-much'), create([volume(role)], 'bare'), launch(task)]);
  t.regex(await refusal('too-much'), / does not contain cpus\(allocated: protocol-\w+\):9999$/);
  const labels = '{node: node.0.executor}';
  const of = `(allocated: ${role})(reservations: [(DYNAMIC,${role},${labels})])`;
  t.true((await refusal('bare')).endsWith(` does not contain disk${of}:64`));
  const failed = await scheduler.expect('server', 'TASK_ERROR');
  t.is(failed.reason, 'REASON_TASK_INVALID');
  t.regex(failed.message ?? '', /^Total resources .* required by task and its executor is more than available /);
  await scheduler.accept(offer, [reserve(all(role), 'stale')]);
  const stale = `Operation attempted with invalid offers: Offer ${offer.id.value} is no longer valid`;
  t.is(await refusal('stale'), stale);
  const second = await offerWith(scheduler, offer, []);
  await scheduler.accept(second, [
    reserve(all(role)),
    create([volume(role)]),
    unreserve(all(role), 'under-volume'),
    create([volume(role)], 'twice'),
    destroy([volume(role, 'node.1.data')], 'unknown'),
    unreserve([volume(role)], 'volume'),
    reserve(all('other'), 'foreign'),
    destroy([volume(role)]),
    unreserve(all(role)),
  ]);
  t.true((await refusal('under-volume')).endsWith(` does not contain disk${of}:64`));
  t.true((await refusal('twice')).startsWith("Persistence ID 'node.0.data' is not unique; on agent "));
  t.true((await refusal('unknown')).startsWith('Persistent volumes not found; on agent '));
  t.true((await refusal('volume')).startsWith(`A dynamically reserved persistent volume disk${of}`));
  t.true((await refusal('foreign')).startsWith("A reserve operation was attempted for a resource with role 'other'"));
  t.true((await offerWith(scheduler, offer, [])).resources.every(({ reservations = [] }) => reservations.length === 0));
});

/** Not to be acknowledged. */
function isAnswer({ updateOperationStatus: { status } }: OperationEvent): boolean {
  return status.uuid === undefined;
}

function isOther({ updateOperationStatus: { status } }: OperationEvent): boolean {
  return status.operationId?.value !== 'reserve';
}

test('the status of an operation is sent again until it is acknowledged; without an id there is none', async (t) => {
  const started = await start(t);
  if (!started) return;
  const { role, scheduler, offer } = started;
  await scheduler.accept(offer, [reserve(all(role), 'reserve')]);
  const finished = await scheduler.operation('reserve', 'OPERATION_FINISHED');
  t.deepEqual(await scheduler.operation('reserve', 'OPERATION_FINISHED'), finished);
  const questions = [
    { operationId: { value: 'reserve' }, agentId: offer.agentId },
    { operationId: { value: 'never.was' }, agentId: offer.agentId },
    { operationId: { value: 'never.was2' } },
    { operationId: { value: 'never.was3' }, agentId: { value: 'no-such-agent' } },
  ];
  await scheduler.call({ type: 'RECONCILE_OPERATIONS', reconcileOperations: { operations: questions } });
  const { uuid: _uuid, ...known } = finished;
  t.deepEqual((await scheduler.next('UPDATE_OPERATION_STATUS', isAnswer)).updateOperationStatus.status, known);
  const unknown = async (id: string) => (await scheduler.operation(id, 'OPERATION_UNKNOWN')).message;
  t.is(await unknown('never.was'), 'Reconciliation: Operation is unknown');
  t.is(await unknown('never.was2'), "Reconciliation: Operation is unknown and no 'agent_id' was provided");
  t.is(await unknown('never.was3'), 'Reconciliation: Both operation and agent are unknown');
  await scheduler.call({ type: 'RECONCILE_OPERATIONS', reconcileOperations: { operations: [] } });
  t.deepEqual((await scheduler.next('UPDATE_OPERATION_STATUS', isAnswer)).updateOperationStatus.status, known);
  await scheduler.acknowledgeOperation(finished);
  await scheduler.call({ type: 'RECONCILE_OPERATIONS', reconcileOperations: { operations: questions.slice(0, 1) } });
  t.is(await unknown('reserve'), 'Reconciliation: Operation is unknown');
  const kept = await offerWith(scheduler, offer, all(role));
  await scheduler.accept(kept, [unreserve(all(role))]);
  await offerWith(scheduler, offer, []);
  t.is(scheduler.count('UPDATE_OPERATION_STATUS', isOther), 0);
});
