// What an agent keeps on disk, and looking things up in it.
import type { ExecutorInfo, FrameworkInfo, TaskInfo, TaskState, TaskStatus } from '../mesos/types.ts';
import type { ProcessIdentity } from './process-group.ts';

export interface ExecutorRecord {
  frameworkId: string;
  info: ExecutorInfo;
  containerId: string;
  sandbox: string;
  /** Absent until it is forked. */
  process?: ProcessIdentity;
}

export interface TaskRecord {
  frameworkId: string;
  executorId: string;
  info: TaskInfo;
  /** What was heard of it last. */
  state: TaskState;
  /** LAUNCH went to the executor. */
  delivered: boolean;
  /** Updates that the scheduler has not acknowledged, oldest first; the first is on its way. */
  pending: TaskStatus[];
  /** Hex uuids of the last updates: an executor sends again what it saw no ACKNOWLEDGED for. */
  received: string[];
  /** The update that was forwarded last. */
  forwarded?: TaskStatus;
}

export interface AgentState {
  id?: string;
  port: number;
  frameworks: FrameworkInfo[];
  executors: ExecutorRecord[];
  tasks: TaskRecord[];
}

export function findFramework(state: AgentState, frameworkId: string): FrameworkInfo | undefined {
  return state.frameworks.find((framework) => framework.id?.value === frameworkId);
}

export function findTask(state: AgentState, frameworkId: string, taskId: string): TaskRecord | undefined {
  return state.tasks.find((task) => task.frameworkId === frameworkId && task.info.taskId.value === taskId);
}

export function tasksOf(state: AgentState, { frameworkId, info }: ExecutorRecord): TaskRecord[] {
  return state.tasks.filter((task) => task.frameworkId === frameworkId && task.executorId === info.executorId.value);
}
