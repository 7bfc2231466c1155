// Scheduler ↔ master and executor ↔ agent over a wire that spoils what passes. Whatever it does, every update is stored in
// order and acknowledged, nothing crashes, and both sides are subscribed again afterwards. One after the other: a machine
// that is busy with all of them at once is slow enough to be taken for a broken wire.
import test, { type ExecutionContext } from 'ava';
import { freePort } from '../helpers/free-port.ts';
import { startFaultyWire, type FaultyWire, type RecordFault, type WireFaults } from '../helpers/wire-faults.ts';
import { embedded } from './helpers/mesos.ts';
import { testTask } from './helpers/scheduler.ts';
import { KeepingScheduler } from './keeping-scheduler.ts';

const TASKS = Array.from({ length: 6 }, (_, index) => `task-${index}`);
const WALK = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING', 'TASK_FINISHED'];
const HURRY = { heartbeatMs: 200, updateResendMs: 200 };
const MENDED: WireFaults = {};

interface Stage {
  scheduler: KeepingScheduler;
  wire: FaultyWire;
  /** The one whose connection it is has subscribed anew, counted from the call. */
  resubscribed: () => Promise<void>;
}

/** All tasks run; the wire is between scheduler and master. */
async function masterStage(t: ExecutionContext, seed = 1): Promise<Stage> {
  const mesos = await embedded(t, HURRY);
  const wire = await startFaultyWire(t, { target: mesos.url, seed });
  const scheduler = new KeepingScheduler(t, wire.url);
  await scheduler.launch((offer) => TASKS.map((id) => testTask(id, offer, { wish: 'signal' })));
  await allRun(scheduler);
  return { scheduler, wire, resubscribed: () => scheduler.resubscribed() };
}

/** The same with the wire between executor and agent. */
async function agentStage(t: ExecutionContext, seed = 1): Promise<Stage> {
  const resources = { cpus: 4, mem: 8000, disk: 20_000, ports: [] };
  const agent = { hostname: '127.0.0.1', ip: '127.0.0.1', port: await freePort(), resources };
  // Before the agent, so that it is there until the executor has ended.
  const wire = await startFaultyWire(t, { target: `127.0.0.1:${agent.port}`, seed });
  const mesos = await embedded(t, { ...HURRY, agents: [{ ...agent, executorEndpoint: wire.address }] });
  const scheduler = new KeepingScheduler(t, mesos.url);
  await scheduler.launch((offer) => TASKS.map((id) => testTask(id, offer, { wish: 'signal' })));
  await allRun(scheduler);
  return { scheduler, wire, resubscribed: () => scheduler.executorResubscribed() };
}

async function allRun(scheduler: KeepingScheduler): Promise<void> {
  await scheduler.until('all tasks to run', () => scheduler.data.size === TASKS.length);
}

/** The executor goes on with all tasks. It hears that by no wire. */
function goOn({ data }: KeepingScheduler): void {
  process.kill(Number(data.get('task-0')), 'SIGUSR2');
}

/** All tasks have walked their whole way, and Mesos has nothing left to say of them. */
async function allIsWell(t: ExecutionContext, { scheduler }: Stage): Promise<void> {
  const { stored } = scheduler;
  await scheduler.until('all tasks to end', () => TASKS.every((id) => stored.get(id)?.at(-1) === 'TASK_FINISHED'));
  await scheduler.forgotten(TASKS);
  t.deepEqual(Object.fromEntries(stored), Object.fromEntries(TASKS.map((id) => [id, WALK])));
}

/** Makes the wire bad, lets the tasks go on, and resolves when what is to be noticed of it has been. */
type Spoil = (stage: Stage) => Promise<void> | void;

function always(faults: WireFaults): Spoil {
  return ({ wire, scheduler }) => {
    wire.set(faults);
    goOn(scheduler);
  };
}

/** Three records in a row: the later ones come after attempts to subscribe again. */
function threeTimes(fault: RecordFault): Spoil {
  return async ({ wire, scheduler, resubscribed }) => {
    const struck = [wire.next(fault), wire.next(fault), wire.next(fault)];
    goOn(scheduler);
    await Promise.all(struck);
    await resubscribed();
  };
}

const FAULTS: Record<string, Spoil> = {
  'comes late': always({ delayMs: 50 }),
  'comes slowly': always({ bytesPerSecond: 20_000 }),
  'comes twice': always({ duplicate: 1 }),
  'is lost with its connection': threeTimes('drop'),
  'is cut in the middle': threeTimes('cut'),
  'has a garbage length': threeTimes('garbage'),
  'does not come, on a connection that stays open': async ({ wire, scheduler, resubscribed }) => {
    const noticed = resubscribed();
    wire.set({ silent: true });
    // New connections are good again.
    wire.set(MENDED);
    goOn(scheduler);
    await noticed;
  },
};

for (const [what, spoil] of Object.entries(FAULTS)) {
  test.serial(`a scheduler loses nothing when what the master sends ${what}`, async (t) => {
    const stage = await masterStage(t);
    await spoil(stage);
    await allIsWell(t, stage);
  });

  test.serial(`an executor loses nothing when what the agent sends ${what}`, async (t) => {
    const stage = await agentStage(t);
    await spoil(stage);
    await allIsWell(t, stage);
  });
}

for (const seed of [1, 2, 3]) {
  const atRandom = async (t: ExecutionContext, stage: Stage): Promise<void> => {
    const { scheduler, wire } = stage;
    wire.set({ delayMs: 10, drop: 0.05, cut: 0.05, garbage: 0.05, duplicate: 0.2 });
    goOn(scheduler);
    await scheduler.until('all tasks to end', () =>
      TASKS.every((id) => scheduler.stored.get(id)?.at(-1) === 'TASK_FINISHED'),
    );
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
