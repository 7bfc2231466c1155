// What a master refuses to launch, with the words of Mesos 1.12: pure.
import { encodeExecutorInfo } from '../mesos/messages.ts';
import type { ExecutorInfo, Resource, TaskInfo } from '../mesos/types.ts';
import { describe } from './resource-text.ts';
import { add, contains, withRole } from './resources.ts';
import { textFormat } from './text-format.ts';

export interface LaunchContext {
  frameworkId: string;
  agentId: string;
  role: string;
  /** What is left of the accepted offers. */
  offered: readonly Resource[];
  /** Of tasks that have not ended, or whose end the scheduler has not acknowledged. */
  taskIds: { has(id: string): boolean };
  /** The executor of that id that the agent has already. */
  existing: ExecutorInfo | undefined;
}

/** Why the task cannot be launched; `undefined` when it can. */
export function launchError(task: TaskInfo, context: LaunchContext): string | undefined {
  const { executor } = task;
  const { frameworkId, agentId, taskIds } = context;
  const id = task.taskId.value;
  if (!isValidId(id)) return `TaskID '${id}' contains invalid characters`;
  if (taskIds.has(id)) return `Task has duplicate ID: ${id}`;
  if (task.agentId.value !== agentId)
    return `Task uses invalid agent ${task.agentId.value} while agent ${agentId} is expected`;
  if (!executor) return 'The embedded Mesos launches tasks of custom executors only: expected ExecutorInfo';
  if (task.command) return 'Task should have at least one (but not both) of CommandInfo or ExecutorInfo present';
  if (!isValidId(executor.executorId.value))
    return `ExecutorID '${executor.executorId.value}' contains invalid characters`;
  if (!executor.command) return "'ExecutorInfo.command' must be set for 'CUSTOM' executor";
  const owner = executor.frameworkId?.value;
  if (owner !== undefined && owner !== frameworkId) {
    return `ExecutorInfo has an invalid FrameworkID (Actual: ${owner} vs Expected: ${frameworkId})`;
  }
  return executorError(executor, context) ?? resourceError(task, context);
}

/** The resources that a launch takes: those of the task, and of its executor when that is new. */
export function launchResources(task: TaskInfo, existing: ExecutorInfo | undefined): Resource[] {
  return add(task.resources, existing ? [] : (task.executor?.resources ?? []));
}

/** What Mesos fills in before it compares and launches: the framework, and whose the resources are. */
export function completeExecutor(executor: ExecutorInfo, frameworkId: string, role: string): ExecutorInfo {
  const resources = executor.resources ?? [];
  return { ...executor, frameworkId: { value: frameworkId }, resources: resources.map(completeResource(role)) };
}

/** As `completeExecutor`, for the task's own resources. */
export function completeTask(task: TaskInfo, role: string): TaskInfo {
  return { ...task, resources: task.resources.map(completeResource(role)) };
}

const completeResource = (role: string) => (resource: Resource) => ({
  ...resource,
  allocationInfo: resource.allocationInfo ?? { role },
});

function executorError(executor: ExecutorInfo, { existing, frameworkId, role }: LaunchContext): string | undefined {
  const complete = completeExecutor(executor, frameworkId, role);
  if (!existing || Buffer.compare(encodeExecutorInfo(existing), encodeExecutorInfo(complete)) === 0) return undefined;
  const line = '-'.repeat(60);
  return [
    'ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.',
    `${line}\nExisting ExecutorInfo:\n${textFormat(existing)}`,
    `${line}\nExecutorInfo:\n${textFormat(complete)}`,
    `${line}\n`,
  ].join('\n');
}

function resourceError(task: TaskInfo, { offered, existing, role }: LaunchContext): string | undefined {
  const wanted = launchResources(task, existing);
  if (wanted.length === 0) return 'Task uses no resources';
  if (contains(offered, wanted)) return undefined;
  const available = describe(withRole(offered, role));
  const required = describe(withRole(wanted, role));
  return `Total resources ${required} required by task and its executor is more than available ${available}`;
}

/** Ids become folders of the sandbox. */
export function isValidId(id: string): boolean {
  return id !== '' && id !== '.' && id !== '..' && id.length <= 255 && !/[/\\\p{Cc}]/u.test(id);
}
