// Refusals word for word as a real Mesos 1.12 gave them to the same calls.
import test from 'ava';
import { completeExecutor, launchError, type LaunchContext } from '../../src/local/task-validation.ts';
import { decodeSchedulerCall, decodeSchedulerEvent } from '../../src/mesos/messages.ts';
import type { TaskInfo, TaskStatus } from '../../src/mesos/types.ts';
import { bodyBytes, messageBytes, recordedLine } from '../mesos/recorded.ts';

const SCHEDULER = '01-scheduler.jsonl';

/** The first task of a recorded ACCEPT, launched on what was offered then. */
function recordedLaunch(acceptLine: number, offersLine: number): { task: TaskInfo; context: LaunchContext } {
  const { call, frameworkId } = decodeSchedulerCall(bodyBytes(recordedLine(SCHEDULER, acceptLine)));
  const event = decodeSchedulerEvent(messageBytes(recordedLine(SCHEDULER, offersLine)));
  if (call.type !== 'ACCEPT' || event.type !== 'OFFERS') throw new Error('other lines than expected');
  const task = call.accept.operations.flatMap((operation) =>
    operation.type === 'LAUNCH' ? operation.launch.taskInfos : [],
  )[0];
  const offer = event.offers.offers[0];
  if (!task || !offer || !frameworkId) throw new Error('no task or no offer');
  const place = { frameworkId: frameworkId.value, agentId: offer.agentId.value, role: '*' };
  return { task, context: { ...place, offered: offer.resources, taskIds: new Set(), existing: undefined } };
}

function recordedStatus(line: number): TaskStatus {
  const event = decodeSchedulerEvent(messageBytes(recordedLine(SCHEDULER, line)));
  if (event.type !== 'UPDATE') throw new Error('another line than expected');
  return event.update.status;
}

test('a task that fits into its offer is launched', (t) => {
  const { task, context } = recordedLaunch(17, 16);
  t.is(launchError(task, context), undefined);
});

test('a task that is larger than its offer is refused', (t) => {
  const { task, context } = recordedLaunch(14, 9);
  t.is(launchError(task, context), recordedStatus(13).message);
});

test('the id of a task that runs is refused', (t) => {
  const { task, context } = recordedLaunch(41, 38);
  t.is(launchError(task, { ...context, taskIds: new Set([task.taskId.value]) }), recordedStatus(40).message);
});

test('another ExecutorInfo for an executor that runs is refused', (t) => {
  const { task: first } = recordedLaunch(17, 16);
  const { task, context } = recordedLaunch(53, 51);
  const existing = first.executor && completeExecutor(first.executor, context.frameworkId, '*');
  t.is(launchError(task, { ...context, existing }), recordedStatus(54).message);
});

test('ids that would lead out of the sandbox are refused', (t) => {
  const { task, context } = recordedLaunch(17, 16);
  for (const value of ['', '..', 'a/b', 'a\0b']) {
    t.is(launchError({ ...task, taskId: { value } }, context), `TaskID '${value}' contains invalid characters`);
  }
  const executor = task.executor && { ...task.executor, executorId: { value: '../other' } };
  t.is(
    launchError({ ...task, ...(executor ? { executor } : {}) }, context),
    "ExecutorID '../other' contains invalid characters",
  );
});

test('an executor of another framework, or a task without one, is refused', (t) => {
  const { task, context } = recordedLaunch(17, 16);
  t.regex(launchError(task, { ...context, frameworkId: 'other' }) ?? '', /^ExecutorInfo has an invalid FrameworkID/);
  const { executor: _, ...alone } = task;
  t.regex(launchError({ ...alone, command: { value: 'true' } }, context) ?? '', /custom executors only/);
});
