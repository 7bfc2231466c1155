// What a master knows. It keeps nothing on disk: agents and frameworks tell a new one.
import type {
  AgentInfo,
  ExecutorInfo,
  FrameworkInfo,
  Resource,
  SchedulerEvent,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../mesos/types.ts';
import type { Filter } from './allocator.ts';
import type { EventStream } from './http.ts';
import type { AgentLink } from './links.ts';
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
}

export interface Framework {
  id: string;
  info: FrameworkInfo;
  subscription: { stream: EventStream<SchedulerEvent>; streamId: string } | undefined;
  suppressed: boolean;
  filters: Filter[];
  tasks: Map<string, MasterTask>;
  /** Tasks on agents that the master has lost sight of, with epoch seconds of when. */
  unreachable: Map<string, { task: MasterTask; since: number }>;
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
  /** Absent while the agent is away. */
  connected: boolean;
  executors: RunningExecutor[];
  cancelTimer(): void;
}

export interface OutstandingOffer {
  id: string;
  frameworkId: string;
  agentId: string;
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
}

/** All tasks on an agent, of whatever framework. */
export function tasksOn({ frameworks }: MasterState, agentId: string): MasterTask[] {
  return [...frameworks.values()].flatMap(({ tasks }) =>
    [...tasks.values()].filter((task) => task.agentId === agentId),
  );
}

/** What may be offered: the agent's resources without those of executors, live tasks and outstanding offers. */
export function freeResources(state: MasterState, { id, info, executors }: RegisteredAgent): Resource[] {
  const tasks = tasksOn(state, id).filter(({ latest }) => !isTerminal(latest));
  const offers = [...state.offers.values()].filter(({ agentId }) => agentId === id);
  const used = [
    ...executors.map(({ info: executor, held = [] }) => [...(executor.resources ?? []), ...held]),
    ...tasks.map((task) => task.info.resources),
    ...offers.map((offer) => offer.resources),
  ];
  return subtract(info.resources ?? [], add(...used));
}

export function executorOn(agent: RegisteredAgent, frameworkId: string, executorId: string): ExecutorInfo | undefined {
  return agent.executors.find(
    (executor) => executor.frameworkId === frameworkId && executor.info.executorId.value === executorId,
  )?.info;
}

/** The role that a framework's offers are for. */
export function roleOf({ info }: Framework): string {
  return info.roles?.[0] ?? '*';
}
