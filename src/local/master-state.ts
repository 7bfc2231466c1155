// What a master knows. It keeps nothing on disk: agents and frameworks tell a new one.
import type {
  AgentInfo,
  ExecutorInfo,
  FrameworkInfo,
  OperationStatus,
  Resource,
  SchedulerEvent,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../mesos/types.ts';
import type { EventStream } from './http.ts';
import type { AgentLink } from './links.ts';
import type { Refusals } from './refusals.ts';
import { add, subtract } from './resources.ts';
import { isTerminal } from '../mesos/task-state.ts';

export interface MasterTask {
  frameworkId: string;
  agentId: string;
  executorId: string;
  info: TaskInfo;
  /** Of the update that was forwarded last: what reconciliation answers. */
  state: TaskState;
  /** What the agent knows already: a task that has ended holds no resources. */
  latest: TaskState;
  status?: TaskStatus;
  /** Somebody wants it killed: an agent that was away hears of it when it is back. */
  killed?: boolean;
}

/** An operation with an id, until its scheduler has acknowledged its outcome. */
export interface MasterOperation {
  agentId: string;
  status: OperationStatus;
}

export interface Framework {
  id: string;
  info: FrameworkInfo;
  subscription: { stream: EventStream<SchedulerEvent>; streamId: string } | undefined;
  /** Roles that want no offers. */
  suppressed: Set<string>;
  refusals: Refusals;
  tasks: Map<string, MasterTask>;
  /** Tasks on agents that the master has lost sight of. */
  unreachable: Map<string, MasterTask>;
  offers: Set<OutstandingOffer>;
  operations: Map<string, MasterOperation>;
  /** Calls off what runs while it is subscribed (heartbeats) or away (its removal). */
  cancelTimer(): void;
}

export interface RunningExecutor {
  frameworkId: string;
  info: ExecutorInfo;
  /** Of the tasks of a framework that was removed: free when the executor has ended, which takes them along. */
  held?: readonly Resource[];
}

export interface RegisteredAgent {
  id: string;
  info: AgentInfo;
  ip: string;
  link: AgentLink;
  /** False while the agent is away. */
  connected: boolean;
  /** Its resources as they are reserved now, in use or not. */
  total: readonly Resource[];
  executors: RunningExecutor[];
  tasks: Set<MasterTask>;
  offers: Set<OutstandingOffer>;
  cancelTimer(): void;
}

export interface OutstandingOffer {
  id: string;
  frameworkId: string;
  agentId: string;
  role: string;
  resources: readonly Resource[];
  cancelTimer(): void;
}

export interface MasterState {
  id: string;
  frameworks: Map<string, Framework>;
  /** Frameworks that must not come back. */
  removed: Set<string>;
  agents: Map<string, RegisteredAgent>;
  offers: Map<string, OutstandingOffer>;
  /** Agents of the master before this one that have not registered yet. */
  recovered: Set<string>;
  unreachable: Set<string>;
  /** Agents that must not come back. */
  gone: Set<string>;
}

export function emptyState(id: string): MasterState {
  return {
    id,
    frameworks: new Map(),
    removed: new Set(),
    agents: new Map(),
    offers: new Map(),
    recovered: new Set(),
    unreachable: new Set(),
    gone: new Set(),
  };
}

export function addTask({ agents, frameworks }: MasterState, task: MasterTask): void {
  frameworks.get(task.frameworkId)?.tasks.set(task.info.taskId.value, task);
  agents.get(task.agentId)?.tasks.add(task);
}

export function removeTask({ agents, frameworks }: MasterState, task: MasterTask): void {
  frameworks.get(task.frameworkId)?.tasks.delete(task.info.taskId.value);
  agents.get(task.agentId)?.tasks.delete(task);
}

/** What executors and live tasks hold. */
export function usedResources({ executors, tasks }: RegisteredAgent): Resource[] {
  const live = [...tasks].filter(({ latest }) => !isTerminal(latest));
  return add(
    ...executors.map(({ info, held = [] }) => [...(info.resources ?? []), ...held]),
    ...live.map(({ info }) => info.resources),
  );
}

/** What may be offered: the agent's resources without those in use and those of outstanding offers. */
export function freeResources(agent: RegisteredAgent): Resource[] {
  const offered = [...agent.offers].map(({ resources }) => resources);
  return subtract(agent.total, add(usedResources(agent), ...offered));
}

export function executorOn(agent: RegisteredAgent, frameworkId: string, executorId: string): ExecutorInfo | undefined {
  return agent.executors.find(
    (executor) => executor.frameworkId === frameworkId && executor.info.executorId.value === executorId,
  )?.info;
}

/** The roles that a framework's offers are for. */
export function rolesOf({ info }: Pick<Framework, 'info'>): readonly string[] {
  return info.roles?.length ? info.roles : ['*'];
}
