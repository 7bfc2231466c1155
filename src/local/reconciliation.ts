// What a master answers to a scheduler that asks for the state of its tasks: pure.
import type { Id, TaskState, TaskStatus } from '../mesos/types.ts';
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

/**
 * One status for each question; without questions, one for each task that is known. None for a task that may run on an
 * agent that the master expects back: it will know soon.
 */
export function reconcile(
  state: MasterState,
  framework: Framework,
  questions: readonly TaskQuestion[],
  nowMs: number,
): TaskStatus[] {
  const known = (task: MasterTask) => knownTaskStatus(task, said('Latest task state'), nowMs);
  if (questions.length === 0) return [...framework.tasks.values()].map(known);
  return questions.flatMap((question) => {
    const task = framework.tasks.get(question.taskId.value);
    if (task) return [known(task)];
    const expected = question.agentId ? state.recovered.has(question.agentId.value) : state.recovered.size > 0;
    return expected ? [] : [missing(state, framework, question, nowMs)];
  });
}

function missing(state: MasterState, framework: Framework, question: TaskQuestion, nowMs: number): TaskStatus {
  const { taskId, agentId } = question;
  const [word, text] = missingOn(state, agentId?.value ?? '');
  const answer = { taskId, state: stateFor(framework.info, word), ...said(text) };
  return masterStatus({ ...answer, ...(agentId ? { agentId } : {}) }, nowMs);
}

function missingOn({ agents, unreachable, gone }: MasterState, agentId: string): [TaskState, string] {
  if (agents.has(agentId)) return ['TASK_GONE', 'Task is unknown to the agent'];
  if (unreachable.has(agentId)) return ['TASK_UNREACHABLE', 'Task is unreachable'];
  return gone.has(agentId) ? ['TASK_GONE_BY_OPERATOR', 'Task is gone'] : ['TASK_UNKNOWN', 'Task is unknown'];
}

const said = (text: string) => ({ reason: 'REASON_RECONCILIATION', message: `Reconciliation: ${text}` });
