import { messageOf } from '../errors.ts';
import { onProgress, onTaskStatus, type StepTaskState } from '../jobs/step-updates.ts';
import { activeStep } from '../jobs/steps.ts';
import { decodeExecutorMessage, decodeHealth, decodeStepProgress } from '../mesos/messages.ts';
import type { OperationStatus, SchedulerCall, SchedulerEvent, TaskState, TaskStatus } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import { send, type SchedulerContext } from './context.ts';
import { withoutAgent } from './leaving.ts';
import { executorIdOfServer, hasEnded, onHealth, onServerStatus } from './node-lifecycle.ts';
import { onOperationStatus, parseOperationId } from './reservation.ts';

/** What is told of tasks and by executors; of a big ring, much at a time. */
export type News = Extract<SchedulerEvent, { type: 'UPDATE' | 'MESSAGE' }>;
type ExecutorMessageEvent = Extract<News, { type: 'MESSAGE' }>['message'];

/** What follows from news once they are stored. */
export interface Consequences {
  /** Something may have to be done now. */
  isNew: boolean;
  /** Acknowledgements, and kills of tasks that nobody waits for. */
  calls: SchedulerCall[];
}

/** Stores in one transaction what has been told. */
export function storeNews(context: SchedulerContext, news: News[]): Consequences {
  return context.state.transaction(() => {
    const consequences: Consequences = { isNew: false, calls: [] };
    for (const event of news) {
      const isNew =
        event.type === 'UPDATE'
          ? storeUpdate(context, event.update.status, consequences.calls)
          : storeMessage(context, event.message);
      consequences.isNew ||= isNew;
    }
    return consequences;
  });
}

/**
 * Duplicates and late updates change nothing; true when this one did. Thousands that say nothing new come with each
 * reconciliation.
 */
function storeUpdate(context: SchedulerContext, status: TaskStatus, calls: SchedulerCall[]): boolean {
  const { state } = context;
  const taskId = status.taskId.value;
  const before = { nodes: state.nodes.all(), job: state.jobs.running() };
  const node = state.nodes.byServerTask(taskId);
  context.log.debug(
    { task: taskId, state: status.state, reason: status.reason, message: status.message },
    'status update',
  );
  if (node) storeServerStatus(context, node, status);
  else if (!storeStepStatus(context, status)) calls.push(...killStray(context, status));
  if (status.state === 'TASK_GONE_BY_OPERATOR') storeAgentGone(context, status);
  const hasChanged = state.nodes.all() !== before.nodes || state.jobs.running() !== before.job;
  if (status.uuid && status.agentId) {
    const { agentId, taskId: id, uuid } = status;
    calls.push({ type: 'ACKNOWLEDGE', acknowledge: { agentId, taskId: id, uuid } });
  }
  return hasChanged;
}

function storeServerStatus(context: SchedulerContext, node: ClusterNode, status: TaskStatus): void {
  const { data } = status;
  const health =
    status.source === 'SOURCE_EXECUTOR' && data?.length && !hasEnded(status.state)
      ? readable(context, status.taskId.value, () => decodeHealth(data))
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

function storeAgentGone({ state, log }: SchedulerContext, { taskId, agentId }: TaskStatus): void {
  const node = state.nodes.get(executorIdOfServer(taskId.value) ?? '');
  if (!node || node.agentId !== agentId?.value) return;
  const after = withoutAgent(node);
  if (after === node) return;
  log.info({ node: node.executorId, agentId: node.agentId }, 'the agent of a former node is gone for good');
  state.nodes.save(after);
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

/**
 * True when reconciliation says how a task ended: the master remembers no more than the state. The update itself, with the
 * executor's report and words, comes again until it is acknowledged, which it was not while the step counts as active.
 */
function isEchoOfEnd({ state, reason }: TaskStatus): boolean {
  return reason === 'REASON_RECONCILIATION' && /^TASK_(FINISHED|FAILED|KILLED)$/.test(state);
}

/** False when the task is not the active attempt of a step. */
function storeStepStatus(context: SchedulerContext, status: TaskStatus): boolean {
  const job = context.jobs.running();
  const taskId = status.taskId.value;
  if (job === null || activeStep(job, taskId) === null) return false;
  if (isEchoOfEnd(status)) return true;
  const { data } = status;
  const report =
    status.source === 'SOURCE_EXECUTOR' && data?.length
      ? readable(context, taskId, () => decodeStepProgress(data).report)
      : null;
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

/** Stores what became of an operation on a node's reservation, then acknowledges it. */
export async function onOperation(context: SchedulerContext, status: OperationStatus): Promise<void> {
  const { operationId, agentId, resourceProviderId, state, message, uuid } = status;
  context.log.debug({ operation: operationId?.value, state, message }, 'operation update');
  const executorId = parseOperationId(operationId?.value ?? '')?.executorId;
  const node = executorId === undefined ? null : context.state.nodes.get(executorId);
  const after = node === null ? null : onOperationStatus(node, status);
  if (after !== null && after !== node) context.state.nodes.save(after);
  if (!uuid || !operationId) return;
  await send(context, {
    type: 'ACKNOWLEDGE_OPERATION_STATUS',
    acknowledgeOperationStatus: {
      ...(agentId ? { agentId } : {}),
      ...(resourceProviderId ? { resourceProviderId } : {}),
      uuid: uuid.value,
      operationId,
    },
  });
}

/** A task that nobody waits for any more (its launch was given up as lost) must not run beside its successor. */
function killStray(context: SchedulerContext, status: TaskStatus): SchedulerCall[] {
  if (hasEnded(status.state) || status.state === 'TASK_UNREACHABLE' || status.state === 'TASK_KILLING') return [];
  context.log.warn({ task: status.taskId.value, state: status.state }, 'task is not ours any more, killing it');
  return [{ type: 'KILL', kill: { taskId: status.taskId, ...(status.agentId ? { agentId: status.agentId } : {}) } }];
}

/** Health and progress: best effort, in full each time. True when something may follow from them. */
function storeMessage(context: SchedulerContext, message: ExecutorMessageEvent): boolean {
  const executorId = message.executorId.value;
  const said = readable(context, executorId, () => decodeExecutorMessage(message.data));
  if (said === null) return false;
  const { jobs, state, clock } = context;
  if ('progress' in said) {
    const job = jobs.running();
    const { taskId, report } = said.progress;
    if (job) jobs.update(job.id, (current) => onProgress(current, taskId, report, clock.now()));
    return false;
  }
  const node = state.nodes.get(executorId);
  if (!node || node.serverState === 'NONE' || node.agentId !== message.agentId.value) return false;
  state.nodes.save(onHealth(node, said.health, clock.now()));
  return node.health?.operationMode !== said.health.operationMode;
}

/** What an executor said; null when it cannot be read: one broken message must not end the scheduler. */
function readable<T>(context: SchedulerContext, from: string, decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    context.log.warn({ from, err: messageOf(error) }, 'what the executor says cannot be read');
    return null;
  }
}
