import type { FrameworkInfo, TaskState } from '../mesos/types.ts';

const TERMINAL = new Set<TaskState>([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_LOST',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
]);

/** True when nothing comes after it: the task's resources are free. */
export function isTerminal(state: TaskState): boolean {
  return TERMINAL.has(state);
}

/** A framework without PARTITION_AWARE knows one word for everything that is gone: TASK_LOST. */
export function stateFor(framework: FrameworkInfo, state: TaskState): TaskState {
  return hasCapability(framework, 'PARTITION_AWARE') ? state : 'TASK_LOST';
}

export function hasCapability({ capabilities = [] }: FrameworkInfo, type: string): boolean {
  return capabilities.some((capability) => capability.type === type);
}
