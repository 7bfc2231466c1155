import test, { type ExecutionContext } from 'ava';
import { decodeNodeTask, encodeExecutorInfo } from '../../src/mesos/messages.ts';
import type { SchedulerCall } from '../../src/mesos/types.ts';
import { sealedFor } from '../../src/model/credentials.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { onOffers } from '../../src/scheduler/offers.ts';
import { executorInfoOf } from '../../src/scheduler/task-info.ts';
import { SealingKey } from '../../src/sealed.ts';
import { anOffer, normal, runningNode, settings } from './helpers.ts';
import { placing } from './placing.ts';

const LOCATION = 's3://bucket/prefix';
const CREDENTIALS = { ACCESS_KEY_ID: 'id', SECRET_ACCESS_KEY: 'geheim' };
const REQUEST = { name: 'b1', location: LOCATION, strategy: 'parallel' as const };

/** Two nodes that can do a step, each with a key of its own. */
function ready(t: ExecutionContext) {
  const keys = [new SealingKey(), new SealingKey()];
  const nodes = keys.map(({ publicKey }, number) =>
    runningNode(number, { health: { ...normal, sealingKey: publicKey } }),
  );
  for (const node of nodes) node.executorInfo = encodeExecutorInfo(executorInfoOf(node, 'fw', settings, []));
  const context = placing(t, nodes);
  const offers = nodes.map(({ ip, executorId }) => anOffer(ip ?? '', { executors: [executorId] }));
  return { context, keys, nodes, offers };
}

function launches(calls: SchedulerCall[]): { taskId: string; step: StepRequest; bytes: Uint8Array }[] {
  const operations = calls.flatMap((call) => (call.type === 'ACCEPT' ? call.accept.operations : []));
  return operations
    .flatMap((operation) => (operation.type === 'LAUNCH' ? operation.launch.taskInfos : []))
    .map(({ taskId, data = new Uint8Array() }) => {
      const task = decodeNodeTask(data);
      if (!('step' in task)) throw new Error('expected a step');
      return { taskId: taskId.value, step: task.step, bytes: data };
    });
}

test("each step's task carries the credentials, readable for its own executor alone", async (t) => {
  const { context, keys, offers } = ready(t);
  await context.jobs.start('BACKUP', { ...REQUEST, credentials: CREDENTIALS });
  await onOffers(context, offers);
  const launched = launches(context.calls);
  t.is(launched.length, 2);
  for (const [index, { taskId, step, bytes }] of launched.entries()) {
    const sealed = step.sealedCredentials ?? '';
    const [own, other] = index === 0 ? keys : keys.toReversed();
    t.deepEqual(JSON.parse(own?.open(sealed, sealedFor(taskId, LOCATION)) ?? ''), CREDENTIALS);
    t.throws(() => other?.open(sealed, sealedFor(taskId, LOCATION)));
    t.notRegex(Buffer.from(bytes).toString('latin1'), /geheim/);
  }
});

test('a job without credentials of its own launches its steps with none', async (t) => {
  const { context, offers } = ready(t);
  await context.jobs.start('BACKUP', REQUEST);
  await onOffers(context, offers);
  t.deepEqual(
    launches(context.calls).map(({ step }) => step.sealedCredentials),
    [undefined, undefined],
  );
});

test('an executor whose key is none gets what it has to refuse, and the others get theirs', async (t) => {
  const { context, nodes, offers } = ready(t);
  const zeros = Buffer.alloc(32).toString('base64url');
  context.state.nodes.save({ ...nodes[0]!, health: { ...normal, sealingKey: zeros } });
  await context.jobs.start('BACKUP', { ...REQUEST, credentials: CREDENTIALS });
  await onOffers(context, offers);
  const [refused, good] = launches(context.calls).map(({ step }) => step.sealedCredentials);
  t.is(refused, '');
  t.true((good ?? '').length > 0);
});

test('nothing is launched without the credentials that it needs: not where the executor has no key', async (t) => {
  const { context, nodes, offers } = ready(t);
  context.state.nodes.save({ ...nodes[1]!, health: normal });
  await context.jobs.start('BACKUP', { ...REQUEST, credentials: CREDENTIALS });
  await onOffers(context, offers);
  t.deepEqual(
    launches(context.calls).map(({ step }) => step.executorId),
    [nodes[0]?.executorId],
  );
});
