// What an agent says of itself and of its tasks.
import type { AgentInfo, Attribute, DomainInfo, Resource, TaskStatus } from '../mesos/types.ts';
import type { AgentState, TaskRecord } from './agent-state.ts';
import type { Registration } from './links.ts';
import { newUuid } from './uuid.ts';

export interface AgentIdentity {
  hostname: string;
  ip: string;
  /** As configured: what is reserved of them is in the state. */
  resources: readonly Resource[];
  attributes: readonly Attribute[];
  domain?: DomainInfo;
}

export function agentInfo({ id, port }: AgentState, identity: AgentIdentity): AgentInfo {
  const { hostname, resources, attributes, domain } = identity;
  return {
    hostname,
    port,
    resources: [...resources],
    attributes: [...attributes],
    ...(domain ? { domain } : {}),
    ...(id === undefined ? {} : { id: { value: id } }),
  };
}

/** All that a master has to know. */
export function registration(state: AgentState, identity: AgentIdentity): Registration {
  const { id, frameworks, executors, tasks, reserved, operations } = state;
  const told = tasks.map(({ forwarded, ...task }) => (forwarded ? { ...task, status: forwarded } : task));
  const info = agentInfo(state, identity);
  return { id, info, ip: identity.ip, frameworks, executors, tasks: told, reserved, operations };
}

/** A status in the agent's own words. */
export function agentStatus(
  { info, executorId }: TaskRecord,
  said: Pick<TaskStatus, 'state' | 'reason' | 'message'>,
  { agentId, nowMs }: { agentId: string; nowMs: number },
): TaskStatus {
  return {
    taskId: info.taskId,
    ...said,
    agentId: { value: agentId },
    executorId: { value: executorId },
    source: 'SOURCE_AGENT',
    timestamp: nowMs / 1000,
    uuid: newUuid(),
  };
}
