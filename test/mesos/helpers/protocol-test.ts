import test, { type ExecutionContext } from 'ava';
import { faultSeed } from './bad-wire.ts';
import { TaskDropped } from './steady-scheduler.ts';

/** What a connection takes along when it is lost, so that it cannot be seen on bad wires: beginnings of titles. */
export const LEFT_OUT = {
  'it looks at single answers and at the end of streams': [
    'calls that are no calls of a subscribed scheduler',
    'a second scheduler with the same id takes over',
    'a framework that was torn down cannot come back',
  ],
  'a new subscription knows nothing of filters and of SUPPRESS': [
    'a declined offer stays away',
    'a scheduler that suppressed offers',
    'what executor and tasks hold is not offered',
  ],
  'refusals, answers to reconciliation, messages and FAILURE are said once': [
    'tasks that cannot be launched are refused',
    'reconciliation tells the state of known tasks',
    'messages go both ways',
    'an executor that exits is a FAILURE',
    'SHUTDOWN ends an executor',
    'an executor that subscribes again',
    'operations that do not fit are refused',
    'the status of an operation is sent again',
  ],
  'it counts what comes, which may come twice': ['an update is sent again until it is acknowledged'],
  'what an executor says again of a task, Mesos takes for the next one with that id; ours never has the same id': [
    'an ended task whose end was acknowledged leaves its id',
  ],
};

/** Titles of all protocol tests. */
export const TITLES: string[] = [];

/** A test of the wire protocol; passed over on bad wires when it cannot hold there. */
function protocolTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  TITLES.push(title);
  const isLeftOut = Object.values(LEFT_OUT).some((titles) => titles.some((begin) => title.startsWith(begin)));
  if (faultSeed() !== null && isLeftOut) test.skip(title, body);
  else test(title, (t) => untilNothingIsDropped(t, body));
}

/** What a task does is seen only of one that its executor has heard of. */
async function untilNothingIsDropped(t: ExecutionContext, body: (t: ExecutionContext) => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await body(t);
    } catch (error) {
      if (!(error instanceof TaskDropped)) throw error;
      t.log('a LAUNCH was lost: once more');
    }
  }
}

export { protocolTest as test };
