// What a master answers to a scheduler that asks for the state of its tasks: pure.
import type { Id, TaskStatus } from '../mesos/types.ts';
import type { Framework, MasterState, MasterTask } from './master-state.ts';
import { stateFor } from './task-state.ts';

export interface TaskQuestion {
  taskId: Id;
  agentId?: Id;
}

/** A status that the master says by itself: nobody has to acknowledge it. */
export function masterStatus(status: Omit<TaskStatus, 'source' | 'timestamp'>, nowMs: number): TaskStatus {
  return { ...status, source: 'SOURCE_MASTER', timestamp: nowMs / 1000 };
}

/** The state of a task that the master knows. */
export function knownTaskStatus(
  task: MasterTask,
  said: Pick<TaskStatus, 'reason' | 'message'>,
  nowMs: number,
): TaskStatus {
  const { uuid: _, data: __, ...last } = task.status ?? { taskId: task.info.taskId };
  const { agentId, executorId, state } = task;
  return masterStatus(
    { ...last, ...said, state, agentId: { value: agentId }, executorId: { value: executorId } },
    nowMs,
  );
}

/** One status for each question; without questions, one for each task that is known. */
export function reconcile(
  state: MasterState,
  framework: Framework,
  questions: readonly TaskQuestion[],
  nowMs: number,
): TaskStatus[] {
  const known = (task: MasterTask) => knownTaskStatus(task, said('Latest task state'), nowMs);
  if (questions.length === 0) return [...framework.tasks.values()].map(known);
  return questions.map((question) => {
    const task = framework.tasks.get(question.taskId.value);
    return task ? known(task) : missing(state, framework, question, nowMs);
  });
}

function missing({ agents }: MasterState, framework: Framework, question: TaskQuestion, nowMs: number): TaskStatus {
  const { taskId, agentId } = question;
  const lost = framework.unreachable.get(taskId.value);
  const [word, text] = lost
    ? (['TASK_UNREACHABLE', 'Task is unreachable'] as const)
    : agents.has(agentId?.value ?? '')
      ? (['TASK_GONE', 'Task is unknown to the agent'] as const)
      : (['TASK_UNKNOWN', 'Task is unknown'] as const);
  const where = lost ? { value: lost.task.agentId } : agentId;
  const answer = { taskId, state: stateFor(framework.info, word), ...said(text) };
  return masterStatus({ ...answer, ...(where ? { agentId: where } : {}) }, nowMs);
}

const said = (text: string) => ({ reason: 'REASON_RECONCILIATION', message: `Reconciliation: ${text}` });
