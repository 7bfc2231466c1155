import test from 'ava';
import type { TaskRecord } from '../../src/local/agent-state.ts';
import { StatusUpdates } from '../../src/local/status-updates.ts';
import type { TaskState, TaskStatus } from '../../src/mesos/types.ts';

/** Time that stands still until the test moves it. */
class ManualClock {
  #now = 0;
  #sleepers: { at: number; wake: () => void }[] = [];

  now = () => this.#now;

  sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      this.#sleepers.push({ at: this.#now + ms, wake: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });

  /** Moves on, and lets those who waited act. */
  async pass(ms: number): Promise<void> {
    this.#now += ms;
    const due = this.#sleepers.filter(({ at }) => at <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#now);
    for (const { wake } of due) wake();
    await new Promise(setImmediate);
  }
}

const status = (state: TaskState, number: number): TaskStatus => ({
  taskId: { value: 'server' },
  state,
  uuid: Uint8Array.of(number),
});

function setUp() {
  const clock = new ManualClock();
  const sent: TaskState[] = [];
  const done: TaskRecord[] = [];
  const saves: number[] = [];
  const task: TaskRecord = {
    frameworkId: 'framework',
    executorId: 'executor',
    info: { name: 'server', taskId: { value: 'server' }, agentId: { value: 'S0' }, resources: [] },
    state: 'TASK_STAGING',
    delivered: true,
    pending: [],
    received: [],
  };
  const updates = new StatusUpdates({
    clock,
    resendMs: 10_000,
    save: () => Promise.resolve(void saves.push(sent.length)),
    forward: (_task, { state }) => sent.push(state),
    done: (ended) => done.push(ended),
    signal: new AbortController().signal,
  });
  return { clock, sent, done, saves, task, updates };
}

test('an update is stored before it is sent, and the next one waits for its acknowledgement', async (t) => {
  const { sent, saves, task, updates } = setUp();
  await updates.store(task, status('TASK_STARTING', 1));
  await updates.store(task, status('TASK_RUNNING', 2));
  t.deepEqual(saves, [0, 1]);
  t.deepEqual(sent, ['TASK_STARTING']);
  t.is(task.state, 'TASK_RUNNING');
  await updates.acknowledge(task, Uint8Array.of(2));
  t.deepEqual(sent, ['TASK_STARTING'], 'only what is under way can be acknowledged');
  await updates.acknowledge(task, Uint8Array.of(1));
  t.deepEqual(sent, ['TASK_STARTING', 'TASK_RUNNING']);
});

test('it is sent again after 10 s, then after 20 s, and no more once acknowledged', async (t) => {
  const { clock, sent, task, updates } = setUp();
  await updates.store(task, status('TASK_RUNNING', 1));
  await clock.pass(9999);
  t.is(sent.length, 1);
  await clock.pass(1);
  t.is(sent.length, 2);
  await clock.pass(19_999);
  t.is(sent.length, 2);
  await clock.pass(1);
  t.is(sent.length, 3);
  await updates.acknowledge(task, Uint8Array.of(1));
  await clock.pass(3_600_000);
  t.is(sent.length, 3);
});

test('an update that comes twice counts once, and nothing comes after the end', async (t) => {
  const { sent, done, task, updates } = setUp();
  await updates.store(task, status('TASK_FINISHED', 1));
  await updates.store(task, status('TASK_FINISHED', 1));
  await updates.store(task, status('TASK_FAILED', 2));
  t.deepEqual(task.pending.length, 1);
  await updates.acknowledge(task, Uint8Array.of(1));
  t.deepEqual(done, [task]);
  t.deepEqual(sent, ['TASK_FINISHED']);
});

test('a new way to the scheduler is used at once', async (t) => {
  const { clock, sent, task, updates } = setUp();
  await updates.store(task, status('TASK_RUNNING', 1));
  updates.resume([task]);
  t.is(sent.length, 2);
  await clock.pass(10_000);
  t.is(sent.length, 3);
});

test('a task that is forgotten is not spoken of', async (t) => {
  const { clock, sent, task, updates } = setUp();
  await updates.store(task, status('TASK_RUNNING', 1));
  updates.forget(task);
  await clock.pass(3_600_000);
  t.is(sent.length, 1);
});
