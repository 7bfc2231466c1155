// POST /api/v1/executor of an agent; statuses and texts as Mesos 1.12 gives them.
import { messageOf } from '../errors.ts';
import { decodeExecutorCall, encodeExecutorEvent, type UnknownMessage } from '../mesos/messages.ts';
import type { ExecutorCall, TaskStatus } from '../mesos/types.ts';
import type { AgentRun } from './agent-run.ts';
import { decodeCall } from './decode-call.ts';
import { provenClaims } from './executor-token.ts';
import type { Executor } from './executor.ts';
import { ACCEPTED, type Answer, type Request } from './http.ts';
import type { Logger } from '../log.ts';

export const EXECUTOR_PATHS = ['/api/v1/executor', '/slave(1)/api/v1/executor'];

const UNAUTHORIZED = {
  status: 401,
  // Two ways to prove oneself are built into Mesos; each says that it was not taken.
  text: '"Basic" authenticator returned:\n401 Unauthorized.\n\n"Bearer" authenticator returned:\n401 Unauthorized.',
  headers: { 'WWW-Authenticate': 'Basic realm="mesos-agent-executor",Bearer realm="mesos-agent-executor"' },
};

/** 401 for a caller who has to prove who it is, and does not. */
export function admitExecutor({ tokenKey }: AgentRun, authorization: string | undefined): Answer | undefined {
  return tokenKey === undefined || provenClaims(tokenKey, authorization) ? undefined : UNAUTHORIZED;
}

/** Answers an executor's call. */
export function answerExecutor(agent: AgentRun, request: Request, log: Logger): Answer | undefined {
  const decoded = decodeCall('executor', () => decodeExecutorCall(request.body));
  if ('status' in decoded) return decoded;
  const { call, frameworkId, executorId } = decoded;
  if (!agent.framework(frameworkId.value)) return { status: 400, text: 'Framework cannot be found' };
  const executor = agent.executors.get(frameworkId.value, executorId.value);
  if (!executor) return { status: 400, text: 'Executor cannot be found' };
  const foreign = claimsError(agent.tokenKey, request.authorization, executor);
  if (foreign !== undefined) return { status: 403, text: foreign };
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
    if (fault) return { status: 400, text: `Failed to validate Executor::Call: ${fault}` };
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

function claimsError(
  key: string | undefined,
  authorization: string | undefined,
  { record }: Executor,
): string | undefined {
  const claims = key === undefined ? undefined : provenClaims(key, authorization);
  if (!claims) return undefined;
  const principal = `Authenticated principal '${JSON.stringify({ claims })}' does not contain`;
  const { eid, fid, cid } = claims;
  if (fid !== record.frameworkId) {
    return `${principal} an 'fid' claim with the framework ID ${record.frameworkId}, which is set in the call`;
  }
  const executorId = record.info.executorId.value;
  if (eid !== executorId) {
    return `${principal} an 'eid' claim with the executor ID ${executorId}, which is set in the call`;
  }
  return cid === record.containerId ? undefined : `${principal} a 'cid' claim with the correct active ContainerID`;
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
