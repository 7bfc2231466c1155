// ACCEPT: launches tasks on the agent of the accepted offers, or says why not.
import type { Resource, SchedulerCall, TaskInfo, TaskState } from '../mesos/types.ts';
import type { MasterContext } from './master-context.ts';
import { executorOn, roleOf, type Framework, type OutstandingOffer, type RegisteredAgent } from './master-state.ts';
import { refuse, removeOffer } from './offers.ts';
import { masterStatus } from './reconciliation.ts';
import { add, subtract } from './resources.ts';
import { stateFor } from './task-state.ts';
import { completeExecutor, completeTask, launchError, launchResources } from './task-validation.ts';

type Accept = Extract<SchedulerCall, { type: 'ACCEPT' }>['accept'];

export function accept(context: MasterContext, framework: Framework, { offerIds, operations, filters }: Accept): void {
  const { state } = context;
  const tasks = operations.flatMap((operation) => (operation.type === 'LAUNCH' ? operation.launch.taskInfos : []));
  const ids = offerIds.map(({ value }) => value);
  const offers = ids.map((id) => state.offers.get(id)).filter((offer) => offer?.frameworkId === framework.id);
  const fault = offersError(ids, offers);
  // Valid ones among them are used up all the same.
  for (const offer of offers) if (offer) removeOffer(context, offer);
  const agent = state.agents.get(offers[0]?.agentId ?? '');
  if (fault !== undefined || !agent) {
    const message = `Task launched with invalid offers: ${fault ?? 'Agent is not connected'}`;
    const word = stateFor(framework.info, 'TASK_DROPPED');
    for (const task of tasks) refuseTask(context, framework, task, [word, 'REASON_INVALID_OFFERS', message]);
    return;
  }
  let offered = add(...offers.map((offer) => offer?.resources ?? []));
  for (const task of tasks) offered = subtract(offered, launch(context, framework, { agent, task, offered }));
  refuse(context, framework, { agentId: agent.id, resources: offered }, filters);
}

function offersError(ids: readonly string[], offers: readonly (OutstandingOffer | undefined)[]): string | undefined {
  if (ids.length === 0) return 'No offers specified';
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) return `Duplicate offer ${twice} in offer list`;
  const gone = ids.find((id) => !offers.some((offer) => offer?.id === id));
  if (gone !== undefined) return `Offer ${gone} is no longer valid`;
  const elsewhere = offers.find((offer) => offer?.agentId !== offers[0]?.agentId);
  return elsewhere && `Aggregated offers must belong to one single agent. Offer ${elsewhere.id} does not`;
}

/** Returns the resources that the task takes: none when it is refused. */
function launch(
  context: MasterContext,
  framework: Framework,
  { agent, task, offered }: { agent: RegisteredAgent; task: TaskInfo; offered: readonly Resource[] },
): Resource[] {
  const role = roleOf(framework);
  const executorId = task.executor?.executorId.value ?? '';
  const existing = executorOn(agent, framework.id, executorId);
  const taskIds = new Set(framework.tasks.keys());
  const place = { frameworkId: framework.id, agentId: agent.id, role };
  const fault = launchError(task, { ...place, offered, taskIds, existing });
  if (fault !== undefined || !task.executor) {
    refuseTask(context, framework, task, ['TASK_ERROR', 'REASON_TASK_INVALID', fault ?? '']);
    return [];
  }
  const executor = completeExecutor(task.executor, framework.id, role);
  const info = { ...completeTask(task, role), executor };
  if (!existing) agent.executors.push({ frameworkId: framework.id, info: executor });
  framework.tasks.set(task.taskId.value, {
    frameworkId: framework.id,
    agentId: agent.id,
    executorId,
    info,
    state: 'TASK_STAGING',
    latest: 'TASK_STAGING',
  });
  agent.link.launch({ ...framework.info, id: { value: framework.id } }, info, { info: executor, isNew: !existing });
  return launchResources(task, existing);
}

function refuseTask(
  { send, settings }: MasterContext,
  framework: Framework,
  { taskId, agentId }: TaskInfo,
  [state, reason, message]: [TaskState, string, string],
): void {
  const status = masterStatus({ taskId, agentId, state, reason, message }, settings.clock.now());
  send(framework, { type: 'UPDATE', update: { status } });
}
