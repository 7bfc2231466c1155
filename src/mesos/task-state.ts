import type { TaskState } from './types.ts';

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
