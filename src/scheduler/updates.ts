import { onProgress, onTaskStatus, type StepTaskState } from '../jobs/step-updates.ts';
import { decodeExecutorMessage, decodeHealth, decodeStepProgress } from '../mesos/messages.ts';
import type { TaskState, TaskStatus } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import { send, type SchedulerContext } from './context.ts';
import { hasEnded, onHealth, onServerStatus } from './node-lifecycle.ts';

/** Stores what a status update says, then acknowledges it. Duplicates and late ones change nothing. */
export async function onUpdate(context: SchedulerContext, status: TaskStatus): Promise<void> {
  const taskId = status.taskId.value;
  const node = context.state.nodes.all().find((candidate) => candidate.serverTaskId === taskId);
  context.log.debug({ taskId, state: status.state, reason: status.reason, message: status.message }, 'status update');
  if (node) storeServerStatus(context, node, status);
  else if (!storeStepStatus(context, status)) await killStray(context, status);
  if (status.uuid && status.agentId) {
    await send(context, {
      type: 'ACKNOWLEDGE',
      acknowledge: { agentId: status.agentId, taskId: status.taskId, uuid: status.uuid },
    });
  }
}

function storeServerStatus(context: SchedulerContext, node: ClusterNode, status: TaskStatus): void {
  const health =
    status.source === 'SOURCE_EXECUTOR' && status.data?.length && !hasEnded(status.state)
      ? decodeHealth(status.data)
      : null;
  const after = onServerStatus(
    node,
    { taskId: status.taskId.value, state: status.state, message: status.message ?? null, health },
    context.clock.now(),
  );
  if (after === node) return;
  context.state.nodes.save(after);
  if (after.serverState !== node.serverState) {
    const { executorId, serverState, lastError } = after;
    context.log.info({ node: executorId, serverState, ...(lastError === null ? {} : { lastError }) }, 'node');
  }
}

const STEP_STATES: Partial<Record<TaskState, StepTaskState>> = {
  TASK_STAGING: 'STAGING',
  TASK_STARTING: 'RUNNING',
  TASK_RUNNING: 'RUNNING',
  TASK_KILLING: 'RUNNING',
  TASK_FINISHED: 'FINISHED',
  TASK_FAILED: 'FAILED',
  TASK_KILLED: 'KILLED',
  TASK_UNREACHABLE: 'UNREACHABLE',
};

/** False when the task is not the active attempt of a step. */
function storeStepStatus(context: SchedulerContext, status: TaskStatus): boolean {
  const job = context.jobs.running();
  const taskId = status.taskId.value;
  const active = job?.phases.some(({ steps }) => steps.some((step) => step.taskId === taskId)) ?? false;
  if (job === null || !active) return false;
  const report =
    status.source === 'SOURCE_EXECUTOR' && status.data?.length ? decodeStepProgress(status.data).report : null;
  // A task that Mesos itself ended (its executor died) did not fail by its own work: it may be tried again.
  const byExecutor = status.source === 'SOURCE_EXECUTOR';
  const mapped = STEP_STATES[status.state] ?? 'LOST';
  const state = mapped === 'FAILED' && !byExecutor ? 'LOST' : mapped;
  const message = status.message ?? status.reason ?? null;
  context.jobs.update(job.id, (current) =>
    onTaskStatus(current, { taskId, state, message, report }, context.clock.now(), context.limits),
  );
  return true;
}

/** A task that nobody waits for any more (its launch was given up as lost) must not run beside its successor. */
async function killStray(context: SchedulerContext, status: TaskStatus): Promise<void> {
  if (hasEnded(status.state) || status.state === 'TASK_UNREACHABLE' || status.state === 'TASK_KILLING') return;
  context.log.warn({ taskId: status.taskId.value, state: status.state }, 'task is not ours any more, killing it');
  await send(context, {
    type: 'KILL',
    kill: { taskId: status.taskId, ...(status.agentId ? { agentId: status.agentId } : {}) },
  });
}

/** Health and progress: best effort, in full each time. */
export function onMessage(context: SchedulerContext, executorId: string, data: Uint8Array): void {
  const message = decodeExecutorMessage(data);
  const now = context.clock.now();
  if ('progress' in message) {
    const job = context.jobs.running();
    const { taskId, report } = message.progress;
    if (job) context.jobs.update(job.id, (current) => onProgress(current, taskId, report, now));
    return;
  }
  const node = context.state.nodes.get(executorId);
  if (node && node.serverState !== 'NONE') context.state.nodes.save(onHealth(node, message.health, now));
}
