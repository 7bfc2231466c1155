// What an agent keeps on disk, and looking things up in it.
import { randomBytes } from 'node:crypto';
import type { ExecutorInfo, FrameworkInfo, Resource, TaskInfo, TaskState, TaskStatus } from '../mesos/types.ts';
import type { AgentOperation } from './links.ts';
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
  /** What is dynamically reserved here, volumes among it. */
  reserved: Resource[];
  /** With an id, and not acknowledged. */
  operations: AgentOperation[];
  /** Sandboxes of executors that have ended, the oldest first. */
  oldSandboxes: string[];
  /** Signs the tokens of executors. */
  key: string;
}

/** Of an agent that starts for the first time. */
export function newState(port: number): AgentState {
  return {
    port,
    frameworks: [],
    executors: [],
    tasks: [],
    reserved: [],
    operations: [],
    oldSandboxes: [],
    key: randomBytes(32).toString('hex'),
  };
}

export function findFramework(state: AgentState, frameworkId: string): FrameworkInfo | undefined {
  return state.frameworks.find((framework) => framework.id?.value === frameworkId);
}

export function forgetFramework(state: AgentState, frameworkId: string): void {
  state.frameworks = state.frameworks.filter((framework) => framework.id?.value !== frameworkId);
}

export function rememberFramework(state: AgentState, framework: FrameworkInfo): void {
  forgetFramework(state, framework.id?.value ?? '');
  state.frameworks.push(framework);
}

export function newTask(frameworkId: string, executorId: string, info: TaskInfo): TaskRecord {
  return { frameworkId, executorId, info, state: 'TASK_STAGING', delivered: false, pending: [], received: [] };
}

export function findTask(state: AgentState, frameworkId: string, taskId: string): TaskRecord | undefined {
  return state.tasks.find((task) => task.frameworkId === frameworkId && task.info.taskId.value === taskId);
}

export function tasksOf(state: AgentState, { frameworkId, info }: ExecutorRecord): TaskRecord[] {
  return state.tasks.filter((task) => task.frameworkId === frameworkId && task.executorId === info.executorId.value);
}
