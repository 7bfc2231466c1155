// What a master does with a framework's operations: carries them out, tells how they went, answers questions.
import type { Id, OperationState, OperationStatus, Resource } from '../mesos/types.ts';
import type { AgentOperation } from './links.ts';
import type { MasterContext } from './master-context.ts';
import { rolesOf, usedResources, type Framework, type MasterState, type RegisteredAgent } from './master-state.ts';
import { convert, operationError, resourcesOf, withResources, type ResourceOperation } from './operations.ts';

interface Order {
  agent: RegisteredAgent;
  role: string;
  operation: ResourceOperation;
  /** What is left of the accepted offers. */
  offered: readonly Resource[];
}

/** Returns the offered resources as they are afterwards: the same when it is refused. */
export function applyOperation(
  context: MasterContext,
  framework: Framework,
  { agent, role, operation: said, offered }: Order,
): readonly Resource[] {
  const resources = resourcesOf(said).map((resource) => ({ allocationInfo: { role }, ...resource }));
  const operation = withResources(said, resources);
  const fault = operationError(operation, {
    role,
    roles: rolesOf(framework),
    principal: framework.info.principal,
    total: agent.total,
    used: usedResources(agent),
  });
  const after = fault === undefined ? convert(offered, operation) : `${fault}; on agent ${describeAgent(agent)}`;
  if (typeof after === 'string') {
    operationRefused(context, framework, operation, after);
    return offered;
  }
  const total = convert(agent.total, operation);
  if (typeof total !== 'string') agent.total = total;
  const { id } = operation;
  if (id) {
    const agentId = { value: agent.id };
    const status: OperationStatus = { operationId: id, state: 'OPERATION_PENDING', agentId };
    framework.operations.set(id.value, { agentId: agent.id, status });
  }
  agent.link.applyOperation(framework.id, operation);
  return after;
}

const describeAgent = ({ id, ip, info }: RegisteredAgent) =>
  `${id} at slave(1)@${ip}:${info.port ?? 0} (${info.hostname})`;

/** Says why it is not done, to a scheduler that gave it an id; nobody has to acknowledge that. */
export function operationRefused(
  context: MasterContext,
  framework: Framework,
  { id }: Pick<ResourceOperation, 'id'>,
  message: string,
): void {
  if (id) tell(context, framework, { operationId: id, state: 'OPERATION_ERROR', message });
}

/** The agent says how an operation went. */
export function operationStatus(context: MasterContext, framework: Framework, status: OperationStatus): void {
  const operation = framework.operations.get(status.operationId?.value ?? '');
  if (operation) operation.status = status;
  tell(context, framework, status);
}

export function acknowledgeOperation(
  { state }: MasterContext,
  framework: Framework,
  { operationId, agentId, uuid }: { operationId: Id; agentId?: Id; uuid: Uint8Array },
): void {
  const agent = state.agents.get(agentId?.value ?? '');
  const { status } = framework.operations.get(operationId.value) ?? {};
  if (!agent?.connected || Buffer.compare(status?.uuid?.value ?? Buffer.alloc(0), uuid) !== 0) return;
  framework.operations.delete(operationId.value);
  agent.link.acknowledgeOperation(framework.id, operationId.value, uuid);
}

/** One status for each question; without questions, one for each operation that is known. Never to be acknowledged. */
export function reconcileOperations(
  context: MasterContext,
  framework: Framework,
  questions: readonly { operationId: Id; agentId?: Id }[],
): void {
  if (questions.length === 0) {
    for (const { status } of framework.operations.values()) tell(context, framework, withoutUuid(status));
  }
  for (const { operationId, agentId } of questions) {
    const operation = framework.operations.get(operationId.value);
    const [state, text] = missing(context.state, agentId);
    const there = agentId ? { agentId } : {};
    const answer = { operationId, state, message: `Reconciliation: ${text}`, ...there };
    tell(context, framework, operation ? withoutUuid(operation.status) : answer);
  }
}

function withoutUuid(known: OperationStatus): OperationStatus {
  const { uuid: _uuid, ...status } = known;
  return status;
}

function missing(state: MasterState, agentId: Id | undefined): [OperationState, string] {
  if (!agentId) return ['OPERATION_UNKNOWN', "Operation is unknown and no 'agent_id' was provided"];
  const id = agentId.value;
  if (state.recovered.has(id)) return ['OPERATION_RECOVERING', 'Agent is recovered but has not re-registered'];
  if (state.agents.has(id)) return ['OPERATION_UNKNOWN', 'Operation is unknown'];
  if (state.unreachable.has(id)) return ['OPERATION_UNREACHABLE', 'Agent is unreachable'];
  if (state.gone.has(id)) return ['OPERATION_GONE_BY_OPERATOR', 'Agent marked gone by operator'];
  return ['OPERATION_UNKNOWN', 'Both operation and agent are unknown'];
}

/** The agent is given up: what was not acknowledged has ended so, for all that its scheduler can know. */
export function endOperations(
  context: MasterContext,
  agentId: string,
  said: { state: OperationState; message: string },
): void {
  for (const framework of context.state.frameworks.values()) {
    for (const [id, operation] of framework.operations) {
      if (operation.agentId !== agentId) continue;
      framework.operations.delete(id);
      tell(context, framework, { operationId: { value: id }, ...said, agentId: { value: agentId } });
    }
  }
}

/** The agent is back: what it has not heard of was dropped on the way; what it has is known to a new master as well. */
export function takeOperations(context: MasterContext, agentId: string, reported: readonly AgentOperation[]): void {
  const { frameworks } = context.state;
  const keys = new Set(reported.map(({ frameworkId, status }) => keyOf(frameworkId, status.operationId?.value)));
  for (const framework of frameworks.values()) {
    for (const [id, operation] of framework.operations) {
      if (operation.agentId !== agentId || keys.has(keyOf(framework.id, id))) continue;
      framework.operations.delete(id);
      const dropped = { operationId: { value: id }, state: 'OPERATION_DROPPED' as const };
      tell(context, framework, { ...dropped, agentId: { value: agentId } });
    }
  }
  for (const { frameworkId, status } of reported) {
    frameworks.get(frameworkId)?.operations.set(status.operationId?.value ?? '', { agentId, status });
  }
}

const keyOf = (frameworkId: string, operationId = '') => JSON.stringify([frameworkId, operationId]);

function tell({ send }: MasterContext, framework: Framework, status: OperationStatus): void {
  send(framework, { type: 'UPDATE_OPERATION_STATUS', updateOperationStatus: { status } });
}
