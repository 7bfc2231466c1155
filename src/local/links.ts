// What master and agent say to each other. In Mesos that is libprocess messages, here plain calls.
import type { AgentInfo, ExecutorInfo, FrameworkInfo, TaskInfo, TaskState, TaskStatus } from '../mesos/types.ts';

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
  executorExited(exit: ExecutorExit): void;
  executorMessage(executor: Omit<ExecutorExit, 'status'>, data: Uint8Array): void;
}

/** The master's way to an agent. An agent that is away hears nothing. */
export interface AgentLink {
  /** `isNew` when the master knows of no executor of that id there. */
  launch(framework: FrameworkInfo, task: TaskInfo, executor: { info: ExecutorInfo; isNew: boolean }): void;
  kill(frameworkId: string, taskId: string, killPolicy?: TaskInfo['killPolicy']): void;
  acknowledge(frameworkId: string, taskId: string, uuid: Uint8Array): void;
  shutdownExecutor(frameworkId: string, executorId: string): void;
  message(frameworkId: string, executorId: string, data: Uint8Array): void;
  /** The framework has subscribed anew: what it has not acknowledged is sent again. */
  frameworkUpdated(framework: FrameworkInfo): void;
  /** The framework is gone for good, its executors go too. */
  frameworkRemoved(frameworkId: string): void;
}
