// Scheduler ↔ master and executor ↔ agent over a wire that spoils what passes. Whatever it does, every update is stored in
// order and acknowledged, nothing crashes, and both sides are subscribed again afterwards. One after the other: a machine
// that is busy with all of them at once is slow enough to be taken for a broken wire.
import test, { type ExecutionContext } from 'ava';
import { freePort } from '../helpers/free-port.ts';
import { startFaultyWire, type FaultyWire, type RecordFault } from '../helpers/wire-faults.ts';
import { embedded } from './helpers/mesos.ts';
import { testExecutor, testTask } from './helpers/scheduler.ts';
import { KeepingScheduler } from './keeping-scheduler.ts';

const TASKS = Array.from({ length: 6 }, (_, index) => `task-${index}`);
const WALK = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'];
const HURRY = { heartbeatMs: 200, updateResendMs: 200 };
const MENDED = {};

interface Stage {
  scheduler: KeepingScheduler;
  wire: FaultyWire;
  /** True when Mesos may drop tasks, and say so: those whose LAUNCH was lost with the executor's connection. */
  dropped: boolean;
}

function hasEnded({ stored }: KeepingScheduler, id: string): boolean {
  return stored.get(id)?.some((state) => /FINISHED|DROPPED/.test(state)) === true;
}

/** All tasks have walked their whole way, and Mesos has nothing left to say of them. */
async function allIsWell(t: ExecutionContext, { scheduler, dropped }: Stage): Promise<void> {
  await scheduler.until('all tasks to end', () => TASKS.every((id) => hasEnded(scheduler, id)));
  await scheduler.forgotten(TASKS);
  for (const id of TASKS) {
    const states = scheduler.stored.get(id);
    if (!dropped || id === 'task-0' || states?.[0] !== 'TASK_DROPPED') t.deepEqual(states, WALK, id);
  }
}

type Spoil = (wire: FaultyWire, resubscribed: () => Promise<void>) => Promise<void>;

/** Three records in a row, which are those that come after the attempts to subscribe again. */
function spoilRecords(fault: RecordFault): Spoil {
  return async (wire, resubscribed) => {
    await Promise.all([wire.next(fault), wire.next(fault), wire.next(fault)]);
    await resubscribed();
  };
}

const FAULTS: Record<string, Spoil> = {
  'comes late': async (wire) => wire.set({ delayMs: 50 }),
  'comes slowly': async (wire) => wire.set({ bytesPerSecond: 20_000 }),
  'comes twice': async (wire) => wire.set({ duplicate: 1 }),
  'is lost with its connection': spoilRecords('drop'),
  'is cut in the middle': spoilRecords('cut'),
  'has a garbage length': spoilRecords('garbage'),
  'does not come, on a connection that stays open': async (wire, resubscribed) => {
    const noticed = resubscribed();
    wire.set({ silent: true });
    wire.set(MENDED);
    await noticed;
  },
};

/** All tasks are launched, and run while the wire between scheduler and master is spoiled. */
async function masterStage(t: ExecutionContext, seed = 1): Promise<Stage> {
  const mesos = await embedded(t, HURRY);
  const wire = await startFaultyWire(t, { target: mesos.url, seed });
  const scheduler = new KeepingScheduler(t, wire.url);
  await scheduler.launch((offer) => TASKS.map((id) => testTask(id, offer, { wish: 'finish' })));
  return { scheduler, wire, dropped: false };
}

/** The same with the wire between executor and agent. */
async function agentStage(t: ExecutionContext, seed = 1): Promise<Stage> {
  const resources = { cpus: 4, mem: 8000, disk: 20_000, ports: [] };
  const agent = { hostname: '127.0.0.1', ip: '127.0.0.1', port: await freePort(), resources };
  // Before the agent, so that it is there until the executor has ended.
  const wire = await startFaultyWire(t, { target: `127.0.0.1:${agent.port}`, seed });
  const mesos = await embedded(t, { ...HURRY, agents: [agent] });
  const scheduler = new KeepingScheduler(t, mesos.url);
  const executor = testExecutor('node.0.executor');
  const command = { value: `MESOS_AGENT_ENDPOINT=${wire.address} ${executor.command?.value}` };
  await scheduler.launch((offer) =>
    TASKS.map((id) => testTask(id, offer, { wish: 'finish', executor: { ...executor, command } })),
  );
  await scheduler.until(
    'the first task to run',
    () => scheduler.stored.get('task-0')?.includes('TASK_RUNNING') === true,
  );
  return { scheduler, wire, dropped: true };
}

for (const [what, spoil] of Object.entries(FAULTS)) {
  test.serial(`a scheduler loses nothing when what the master sends ${what}`, async (t) => {
    const stage = await masterStage(t);
    await spoil(stage.wire, () => stage.scheduler.resubscribed());
    await allIsWell(t, stage);
  });

  test.serial(`an executor loses nothing when what the agent sends ${what}`, async (t) => {
    const stage = await agentStage(t);
    await spoil(stage.wire, () => stage.scheduler.executorResubscribed());
    await allIsWell(t, stage);
  });
}

for (const seed of [1, 2, 3]) {
  const atRandom = async (t: ExecutionContext, stage: Stage): Promise<void> => {
    const { scheduler, wire } = stage;
    wire.set({ delayMs: 10, drop: 0.05, cut: 0.05, garbage: 0.05, duplicate: 0.2 });
    await scheduler.until('all tasks to end', () => TASKS.every((id) => hasEnded(scheduler, id)));
    t.true(Object.values(wire.struck).some((count) => count > 0));
    wire.set(MENDED);
    await allIsWell(t, stage);
  };

  test.serial(`a scheduler loses nothing on a wire with all faults at random, seed ${seed}`, async (t) => {
    await atRandom(t, await masterStage(t, seed));
  });

  test.serial(`an executor loses nothing on a wire with all faults at random, seed ${seed}`, async (t) => {
    await atRandom(t, await agentStage(t, seed));
  });
}
