// POST /api/v1/executor of an agent; statuses and texts as Mesos 1.12 gives them.
import { messageOf } from '../errors.ts';
import { decodeExecutorCall, encodeExecutorEvent, type UnknownMessage } from '../mesos/messages.ts';
import type { ExecutorCall, TaskStatus } from '../mesos/types.ts';
import type { AgentRun } from './agent-run.ts';
import { decodeCall } from './decode-call.ts';
import type { Executor } from './executor.ts';
import { ACCEPTED, type Answer, type Request } from './http.ts';
import type { Logger } from '../log.ts';

export const EXECUTOR_PATHS = ['/api/v1/executor', '/slave(1)/api/v1/executor'];

/** Answers an executor's call. */
export function answerExecutor(agent: AgentRun, request: Request, log: Logger): Answer | undefined {
  const decoded = decodeCall('executor', () => decodeExecutorCall(request.body));
  if ('status' in decoded) return decoded;
  const { call, frameworkId, executorId } = decoded;
  if (!agent.framework(frameworkId.value)) return { status: 400, text: 'Framework cannot be found' };
  const executor = agent.executors.get(frameworkId.value, executorId.value);
  if (!executor) return { status: 400, text: 'Executor cannot be found' };
  if (call.type === 'SUBSCRIBE') {
    subscribe({ agent, executor, request, log }, call.subscribe);
    return undefined;
  }
  if (executor.phase === 'registering') return { status: 403, text: 'Executor is not subscribed' };
  return answerCall({ agent, executor, log }, call);
}

interface Context {
  agent: AgentRun;
  executor: Executor;
  log: Logger;
}

function answerCall({ agent, executor, log }: Context, call: ExecutorCall | UnknownMessage): Answer {
  if (call.type === 'MESSAGE') agent.executorMessage(executor.record, call.message.data);
  else if (call.type === 'UPDATE') {
    const fault = faultOf(executor, call.update.status);
    if (fault) return { status: 400, text: `Failed to validate executor::Call: ${fault}` };
    store({ agent, executor, log }, call.update.status);
  } else return { status: 501 };
  return ACCEPTED;
}

function subscribe(
  { agent, executor, request, log }: Context & { request: Request },
  { unacknowledgedTasks, unacknowledgedUpdates }: Extract<ExecutorCall, { type: 'SUBSCRIBE' }>['subscribe'],
): void {
  const { info: executorInfo, frameworkId, containerId } = executor.record;
  const frameworkInfo = agent.framework(frameworkId);
  const stream = request.openStream(encodeExecutorEvent);
  if (executor.phase !== 'terminating' && frameworkInfo) {
    const subscribed = { executorInfo, frameworkInfo, agentInfo: agent.info, containerId: { value: containerId } };
    stream.send({ type: 'SUBSCRIBED', subscribed });
  }
  executor.subscribe(stream);
  for (const { status } of unacknowledgedUpdates) store({ agent, executor, log }, status);
  agent.dropUnknown(executor, new Set(unacknowledgedTasks.map(({ taskId }) => taskId.value)));
  agent.deliver(executor);
}

function store({ agent, executor, log }: Context, status: TaskStatus): void {
  agent.update(executor, status).catch((error: unknown) => {
    // Without ACKNOWLEDGED the executor says it again when it subscribes the next time.
    log.error({ err: error, task: status.taskId.value }, `a status update is not stored: ${messageOf(error)}`);
  });
}

function faultOf({ record }: Executor, { uuid, executorId, source, state }: TaskStatus): string | undefined {
  const id = record.info.executorId.value;
  const sender = `executor ${id} of framework ${record.frameworkId}`;
  if (uuid === undefined) return "Expecting 'uuid' to be present";
  if (uuid.length !== 16) return 'Not a valid UUID';
  if (executorId && executorId.value !== id) {
    return `ExecutorID in Call: ${id} does not match ExecutorID in TaskStatus: ${executorId.value}`;
  }
  if (source !== 'SOURCE_EXECUTOR') {
    return `Received Call from ${sender} with invalid source, expecting 'SOURCE_EXECUTOR'`;
  }
  return state === 'TASK_STAGING' ? `Received TASK_STAGING from ${sender} which is not allowed` : undefined;
}
