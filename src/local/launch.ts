// LAUNCH: one task handed to its agent, or refused.
import type { Resource, TaskInfo, TaskStatus } from '../mesos/types.ts';
import type { MasterContext } from './master-context.ts';
import { addTask, executorOn, type Framework, type RegisteredAgent } from './master-state.ts';
import { masterStatus } from './reconciliation.ts';
import { completeExecutor, completeTask, launchError, launchResources } from './task-validation.ts';

interface LaunchOrder {
  agent: RegisteredAgent;
  role: string;
  task: TaskInfo;
  /** What is left of the accepted offers. */
  offered: readonly Resource[];
}

/** Returns the resources that the task takes: none when it is refused. */
export function launch(
  context: MasterContext,
  framework: Framework,
  { agent, role, task, offered }: LaunchOrder,
): Resource[] {
  const executorId = task.executor?.executorId.value ?? '';
  const existing = executorOn(agent, framework.id, executorId);
  const place = { frameworkId: framework.id, agentId: agent.id, role };
  const fault = launchError(task, { ...place, offered, taskIds: framework.tasks, existing });
  if (fault !== undefined || !task.executor) {
    const said = { state: 'TASK_ERROR' as const, reason: 'REASON_TASK_INVALID', message: fault ?? '' };
    refuseTask(context, framework, task, said);
    return [];
  }
  const executor = completeExecutor(task.executor, framework.id, role);
  const info = { ...completeTask(task, role), executor };
  if (!existing) agent.executors.push({ frameworkId: framework.id, info: executor });
  addTask(context.state, {
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

export function refuseTask(
  { send, settings }: MasterContext,
  framework: Framework,
  { taskId, agentId }: TaskInfo,
  said: Pick<TaskStatus, 'state' | 'reason' | 'message'>,
): void {
  const status = masterStatus({ taskId, agentId, ...said }, settings.clock.now());
  send(framework, { type: 'UPDATE', update: { status } });
}
