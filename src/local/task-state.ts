import type { FrameworkInfo, TaskState } from '../mesos/types.ts';

/** A framework without PARTITION_AWARE knows one word for everything that is gone: TASK_LOST. */
export function stateFor(framework: FrameworkInfo, state: TaskState): TaskState {
  return hasCapability(framework, 'PARTITION_AWARE') ? state : 'TASK_LOST';
}

export function hasCapability({ capabilities = [] }: FrameworkInfo, type: string): boolean {
  return capabilities.some((capability) => capability.type === type);
}
