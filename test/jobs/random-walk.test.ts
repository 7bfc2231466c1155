import test from 'ava';
import { advance } from '../../src/jobs/advance.ts';
import { isFinished } from '../../src/jobs/result.ts';
import type { StepTaskState } from '../../src/jobs/step-updates.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import type { JobType, PhaseName } from '../../src/model/phase.ts';
import type { StepReport } from '../../src/model/step.ts';
import { down, error, failedKeyspace, goodReport, keyspace, LIMITS, manifest, node, report } from './helpers.ts';
import { wholeTicker, type Ticker } from './ticker.ts';

/** Small and repeatable (mulberry32): a failing walk is named by its seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What a task really did, whatever arrives of it. */
interface Task {
  taskId: string;
  phase: PhaseName;
  executorId: string;
  endsAt: number;
  state: StepTaskState | 'SILENT';
  report: StepReport;
  isGood: boolean;
}

interface Update {
  taskId: string;
  state: StepTaskState;
  report: StepReport | null;
}

/** A world of executors and a network that loses, repeats and reorders what they say. */
class World {
  readonly turned: Ticker;
  readonly random: (below: number) => number;
  readonly tasks: Task[] = [];
  /** Trouble: one in so many; 0 for none. */
  readonly trouble: number;
  #inFlight: Update[] = [];

  constructor(seed: number, type: JobType) {
    this.random = randomOf(seed);
    this.trouble = [0, 3, 6, 20][this.random(4)] ?? 0;
    const count = 1 + this.random(4);
    this.turned = wholeTicker(type, count, {
      snapshot: this.random(2) === 0 ? 'each' : 'together',
      strategy: 'parallel',
      concurrency: 1 + this.random(count),
    });
  }

  #happens(): boolean {
    return this.trouble > 0 && this.random(this.trouble) === 0;
  }

  step(): void {
    const { turned } = this;
    turned.offers = !this.#happens();
    turned.nodes = turned.nodes.map(({ number }) => (this.#happens() ? down(number) : node(number)));
    turned.tick(this.random(3_000));
    this.#begin();
    this.#end();
    this.#deliver();
    if (this.trouble > 0 && this.random(400) === 0) turned.abort(this.random(2) === 0);
  }

  #begin(): void {
    for (const { phase, step } of this.turned.tasks()) {
      const taskId = step.taskId ?? '';
      if (this.tasks.some((task) => task.taskId === taskId)) continue;
      this.tasks.push(this.#fate(taskId, phase, step.executorId));
    }
  }

  #fate(taskId: string, phase: PhaseName, executorId: string): Task {
    const good = { state: 'FINISHED' as const, report: goodReport(this.turned.job, phase, executorId), isGood: true };
    const code = ['TIMEOUT', 'CASSANDRA_ERROR', 'NO_SPACE'][this.random(3)] ?? '';
    const words = report({ keyspaces: {}, errors: [error(code, 'trouble')] });
    const half = report({ keyspaces: { ks1: keyspace(), ks2: failedKeyspace('no') }, manifest: manifest(executorId) });
    const bad = [
      { state: 'FAILED' as const, report: words },
      { state: 'KILLED' as const, report: words },
      { state: 'LOST' as const, report: words },
      { state: 'SILENT' as const, report: words },
      { state: 'FINISHED' as const, report: phase === 'check' ? words : half },
    ].map((fate) => ({ ...fate, isGood: phase === 'cleanup' }));
    const fate = this.#happens() ? (bad[this.random(bad.length)] ?? good) : good;
    return { taskId, phase, executorId, endsAt: this.turned.now + this.random(4_000), ...fate };
  }

  #end(): void {
    for (const task of this.tasks) {
      if (task.state === 'SILENT' || task.endsAt > this.turned.now) continue;
      const { taskId, state, report: words } = task;
      // Delivered until it is acknowledged, so at least once and perhaps much later.
      const copies = 1 + this.random(2);
      for (let copy = 0; copy < copies; copy += 1) this.#inFlight.push({ taskId, state, report: words });
      if (this.random(2) === 0) this.#inFlight.push({ taskId, state: 'RUNNING', report: null });
      if (this.random(3) === 0) this.#inFlight.push({ taskId, state: 'UNREACHABLE', report: null });
      task.endsAt = Number.POSITIVE_INFINITY;
    }
  }

  #deliver(): void {
    const later: Update[] = [];
    while (this.#inFlight.length > 0) {
      const [update] = this.#inFlight.splice(this.random(this.#inFlight.length), 1);
      if (!update) break;
      if (this.#happens()) later.push(update);
      else this.turned.status(update.taskId, update.state, update.report);
      if (this.#happens()) later.push(update);
    }
    this.#inFlight = later.slice(0, 200);
  }
}

/** What must hold at every moment. */
function broken(job: ClusterJob, tasks: Task[]): string | null {
  for (const { name, concurrency, steps } of job.phases) {
    const active = steps.filter(({ state }) => state === 'LAUNCHING' || state === 'RUNNING').length;
    if (active > concurrency) return `${active} steps of ${name} are at work, ${concurrency} may be`;
    if (steps.some(({ attempt }) => attempt > LIMITS.retries + 1)) return `a step of ${name} was tried too often`;
  }
  const began = (name: PhaseName) => tasks.some(({ phase }) => phase === name);
  const wellDone = (name: PhaseName) =>
    job.phases
      .find((phase) => phase.name === name)
      ?.steps.every(
        ({ executorId, state }) =>
          // Who was not up for the preflight makes it with the next step.
          (name === 'preflight' && state === 'SKIPPED') ||
          tasks.some((task) => task.phase === name && task.executorId === executorId && task.isGood),
      ) ?? true;
  const refused = job.phases.find(({ name }) => name === 'preflight')?.steps.filter(({ state }) => state === 'FAILED');
  const wentOn = refused?.find(({ executorId }) =>
    tasks.some((task) => task.executorId === executorId && task.phase !== 'preflight'),
  );
  if (wentOn) return `${wentOn.executorId} went on although its preflight failed`;
  for (const [later, earlier] of [
    ['stage', 'check'],
    ['truncate', 'stage'],
    ['load', 'truncate'],
  ] as const) {
    if (began(later) && !wellDone(earlier)) return `${later} began although ${earlier} was not well done`;
  }
  if (job.result !== 'SUCCESS') return null;
  const lacking = job.phases.find(({ name }) => !wellDone(name));
  return lacking ? `SUCCESS although ${lacking.name} was not well done` : null;
}

const WALKS = 150;

for (const type of ['BACKUP', 'RESTORE', 'REPAIR'] as const) {
  test(`a ${type} ends, and never better than its nodes did, whatever arrives in whatever order`, (t) => {
    const results = new Map<string, number>();
    for (let seed = 1; seed <= WALKS; seed += 1) {
      const world = new World(seed, type);
      const { turned } = world;
      for (let count = 0; count < 3_000 && !isFinished(turned.job); count += 1) {
        world.step();
        const fault = broken(turned.job, world.tasks);
        if (fault !== null) t.fail(`seed ${seed}: ${fault}`);
      }
      t.true(isFinished(turned.job), `seed ${seed} has not ended`);
      t.deepEqual(turned.active(), [], `seed ${seed} left a step at work`);
      t.is(advance(turned.job, turned.nodes, turned.now + 1e6, LIMITS), turned.job);
      const result = turned.job.result ?? 'null';
      results.set(result, (results.get(result) ?? 0) + 1);
      if (world.trouble === 0) t.is(result, 'SUCCESS', `seed ${seed} had no trouble`);
    }
    // The walks are worth something only when they lead everywhere.
    t.deepEqual([...results.keys()].toSorted(), ['ABORTED', 'FAILURE', 'PARTIAL', 'SUCCESS']);
  });
}
