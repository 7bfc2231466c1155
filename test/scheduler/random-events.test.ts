import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as fc from 'fast-check';
import { World } from './random-world.ts';

/** Something that happens: `pick` says to whom, where there is a choice. */
type Happening = (world: World, pick: number) => unknown;

const one = <T>(all: readonly T[], pick: number): T | undefined => all[pick % all.length];

const HAPPENINGS = {
  passes: (world, pick) => world.pass(100 + (pick % 8_000)),
  passesLong: (world, pick) => world.pass(20_000 + (pick % 100_000)),
  delivers: (world) => world.deliverAll(),
  deliversTogether: (world) => world.deliverTogether(),
  deliversOne: (world) => world.deliver(),
  /** Only updates overtake each other: the rest comes on one connection. */
  overtakes: (world, pick) => {
    const index = world.mesos.queue.length === 0 ? 0 : pick % world.mesos.queue.length;
    return world.mesos.queue[index]?.type === 'UPDATE' ? world.deliver(index) : undefined;
  },
  duplicates: ({ mesos }, pick) => {
    const event = one(mesos.queue, pick);
    if (event?.type === 'UPDATE') mesos.queue.push(event);
  },
  drops: ({ mesos }, pick) => {
    const event = one(mesos.queue, pick);
    if (event?.type === 'UPDATE' || event?.type === 'MESSAGE' || event?.type === 'FAILURE') {
      mesos.queue.splice(mesos.queue.indexOf(event), 1);
    }
  },
  losesCall: ({ mesos }) => {
    mesos.losesNextCall = 'CALL';
  },
  losesAnswer: ({ mesos }) => {
    mesos.losesNextCall = 'ANSWER';
  },
  stalls: async (world) => {
    world.wire.stall();
    await world.pass(1_000);
    await world.deliverAll();
  },
  goesOn: ({ wire }) => wire.goOn(),
  isCut: ({ mesos }) => mesos.cut(),
  subscribes: ({ mesos }) => mesos.subscribe(),
  restarts: (world) => world.restart(),
  losesAgent: ({ mesos }, pick) => mesos.lose(mesos.agents[pick % mesos.agents.length] as never),
  forgetsAgent: ({ mesos }) => mesos.agents.forEach((agent) => mesos.forget(agent)),
  bringsBack: ({ mesos }, pick) => mesos.agents.forEach((agent) => mesos.bringBack(agent, pick % 2 === 0)),
  removesAgent: ({ mesos }, pick) => {
    if (mesos.agents.every(({ standing }) => standing !== 'GONE')) mesos.removeAgent(one(mesos.agents, pick) as never);
  },
  endsExecutor: ({ mesos }, pick) => {
    const agent = one(mesos.agents, pick);
    const executorId = [...(agent?.executors.keys() ?? [])][0];
    if (executorId) agent?.endExecutor(executorId, 'TASK_FAILED', 0);
  },
  failsTask: ({ mesos }, pick) => {
    const agent = one(mesos.agents, pick);
    const task = one(agent?.liveTasks ?? [], pick >> 3);
    if (task) agent?.fail(task, 0);
  },
  hangsStep: ({ mesos }, pick) => {
    for (const task of one(mesos.agents, pick)?.liveTasks ?? []) task.hangs = task.step !== null;
  },
  stops: (world, pick) => world.order((ring) => ring.order(one(world.nodes, pick)?.executorId ?? '', 'stop')),
  starts: (world, pick) => world.order((ring) => ring.order(one(world.nodes, pick)?.executorId ?? '', 'start')),
  restartsNode: (world, pick) => world.order((ring) => ring.order(one(world.nodes, pick)?.executorId ?? '', 'restart')),
  replaces: (world, pick) => world.order((ring) => ring.replace(one(world.nodes, pick)?.executorId ?? '')),
  forgets: (world, pick) => world.order((ring) => ring.forget(one(world.nodes, pick)?.executorId ?? '')),
  scales: (world) => world.order((ring) => ring.scale(4)),
  backsUp: (world, pick) =>
    world.order((_ring, jobs) => jobs.start('BACKUP', pick % 2 === 0 ? {} : { strategy: 'parallel' })),
  removes: (world, pick) =>
    world.order((_ring, jobs) => jobs.start('REMOVE', { nodes: [one(world.nodes, pick)?.executorId ?? ''] })),
  restartsAll: (world) => world.order((_ring, jobs) => jobs.start('RESTART', {})),
  cleansUp: (world) => world.order((_ring, jobs) => jobs.start('CLEANUP', {})),
  aborts: (world, pick) =>
    world.order((_ring, jobs) => {
      const job = jobs.running();
      return job && jobs.abort(job.type, pick % 2 === 0);
    }),
} satisfies Record<string, Happening>;

type Name = keyof typeof HAPPENINGS;

/** How often each is drawn; the rest once. */
const OFTEN: Partial<Record<Name, number>> = {
  passes: 20,
  delivers: 20,
  deliversTogether: 8,
  deliversOne: 8,
  subscribes: 6,
  backsUp: 3,
  losesAgent: 2,
  losesCall: 3,
  stalls: 5,
  goesOn: 5,
  bringsBack: 2,
  overtakes: 3,
};

const story = fc.array(
  fc.tuple(
    fc.oneof(
      ...(Object.keys(HAPPENINGS) as Name[]).map((name) => ({
        weight: OFTEN[name] ?? 1,
        arbitrary: fc.constant(name),
      })),
    ),
    fc.nat(1_000_000),
  ),
  { maxLength: 160, size: 'max' },
);

async function live(events: [Name, number][], withRole: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'random-'));
  const role = withRole ? { role: 'cassandra', principal: 'p', volumes: { type: 'ROOT' as const, count: 1 } } : {};
  const world = new World(join(directory, 'state.sqlite'), role);
  try {
    await world.comeToRest();
    for (const [name, pick] of events) {
      const happening: Happening = HAPPENINGS[name];
      await happening(world, pick);
      await world.settle();
    }
    await world.comeToRest();
  } finally {
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The suite tells the same stories on every machine; who looks for trouble tells new ones, for so many ms. */
const { RANDOM_MS, RANDOM_SEED, RANDOM_PATH } = process.env;
/** Of a failure's report, to see it again. */
const replay = { seed: Number(RANDOM_SEED), path: RANDOM_PATH ?? '', endOnFailure: true };
const stories =
  RANDOM_MS === undefined
    ? { seed: 5, numRuns: 150 }
    : { numRuns: 1_000_000, interruptAfterTimeLimit: Number(RANDOM_MS), markInterruptAsFailure: false };

for (const withRole of [false, true]) {
  const where = withRole ? 'with reservations' : 'without a role';
  test(`whatever happens in whatever order ${where}, no node runs twice and all come to rest`, async (t) => {
    t.timeout(Number(RANDOM_MS ?? 0) + 300_000);
    await fc.assert(
      fc.asyncProperty(story, (events) => live(events, withRole)),
      { includeErrorInReport: true, ...(RANDOM_SEED === undefined ? stories : replay) },
    );
    t.pass();
  });
}
