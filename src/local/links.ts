// What master and agent say to each other. In Mesos that is libprocess messages, here plain calls.
import type {
  AgentInfo,
  ExecutorInfo,
  FrameworkInfo,
  OperationStatus,
  Resource,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../mesos/types.ts';
import type { ResourceOperation } from './operations.ts';

/** A task as the agent knows it. */
export interface AgentTask {
  frameworkId: string;
  executorId: string;
  info: TaskInfo;
  state: TaskState;
  /** The update that went to the scheduler last. */
  status?: TaskStatus;
}

/** Everything a master learns from an agent that registers, also after either of them was away. */
export interface Registration {
  /** Absent at an agent's first registration. */
  id: string | undefined;
  info: AgentInfo;
  ip: string;
  frameworks: readonly FrameworkInfo[];
  executors: readonly { frameworkId: string; info: ExecutorInfo }[];
  tasks: readonly AgentTask[];
  /** What is dynamically reserved there, volumes among it. */
  reserved?: readonly Resource[];
  /** Operations whose outcome the scheduler has not acknowledged. */
  operations?: readonly AgentOperation[];
}

export interface AgentOperation {
  frameworkId: string;
  status: OperationStatus;
}

export interface ExecutorExit {
  agentId: string;
  frameworkId: string;
  executorId: string;
  /** As of wait(2); -1 when unknown. */
  status: number;
}

/** The agent's way to its master. */
export interface MasterLink {
  /** Returns the agent's id. */
  register(registration: Registration, agent: AgentLink): string;
  /** The connection to the agent broke; it may come back. */
  disconnected(agentId: string): void;
  /** The agent does not answer the master's pings. */
  unreachable(agentId: string): void;
  /** `latest` is the state that the task has reached by now; earlier updates may still be on their way. */
  statusUpdate(frameworkId: string, status: TaskStatus, latest: TaskState): void;
  /** How an operation with an id went. */
  operationStatus(frameworkId: string, status: OperationStatus): void;
  executorExited(exit: ExecutorExit): void;
  executorMessage(executor: Omit<ExecutorExit, 'status'>, data: Uint8Array): void;
}

/** The master's way to an agent. An agent that is away hears nothing. */
export interface AgentLink {
  /** `isNew` when the master knows of no executor of that id there. */
  launch(framework: FrameworkInfo, task: TaskInfo, executor: { info: ExecutorInfo; isNew: boolean }): void;
  kill(frameworkId: string, taskId: string, killPolicy?: TaskInfo['killPolicy']): void;
  acknowledge(frameworkId: string, taskId: string, uuid: Uint8Array): void;
  /** Reserves, unreserves, creates or destroys; operations and launches are done in the order of their coming. */
  applyOperation(frameworkId: string, operation: ResourceOperation): void;
  acknowledgeOperation(frameworkId: string, operationId: string, uuid: Uint8Array): void;
  /** The master knows of a task there that the agent did not report: the agent says that it was dropped. */
  reconcileTask(framework: FrameworkInfo, task: Pick<AgentTask, 'executorId' | 'info'>): void;
  /** The agent was marked gone: it ends its executors and does not come back. */
  shutdown(): void;
  shutdownExecutor(frameworkId: string, executorId: string): void;
  message(frameworkId: string, executorId: string, data: Uint8Array): void;
  /** The framework has subscribed anew: what it has not acknowledged is sent again. */
  frameworkUpdated(framework: FrameworkInfo): void;
  /** The framework is gone for good, its executors go too. */
  frameworkRemoved(frameworkId: string): void;
}

/** A link on which nothing arrives while its end does not hear. */
export function hearing(link: AgentLink, hears: () => boolean): AgentLink {
  return new Proxy(link, {
    get: (_link, name: keyof AgentLink) => (hears() ? (link[name] as () => void).bind(link) : () => {}),
  });
}
