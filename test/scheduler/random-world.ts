import { setImmediate } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { OperatorError } from '../../src/errors.ts';
import { ClusterJobs } from '../../src/jobs/cluster-jobs.ts';
import type { FoundBackup } from '../../src/jobs/catalogue.ts';
import type { Limits } from '../../src/jobs/limits.ts';
import { createLogger } from '../../src/log.ts';
import type { Resource } from '../../src/mesos/types.ts';
import { isMember, isNodeReady, type ClusterNode } from '../../src/model/node.ts';
import { LastOffers } from '../../src/scheduler/last-offers.ts';
import { Ring } from '../../src/scheduler/ring.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import type { SchedulerSettings } from '../../src/scheduler/settings.ts';
import { openState, type State } from '../../src/state/database.ts';
import { goodReport } from '../jobs/helpers.ts';
import { settings } from './helpers.ts';
import { ModelClock } from './model-clock.ts';
import { ModelMesos } from './model-mesos.ts';
import { Killed, MortalState, type Fate } from './mortal-state.ts';
import { ModelWire } from './model-wire.ts';
import { liveTasks, WorldChecks } from './world-checks.ts';

const limits: Limits = {
  nodeReadyMs: 120_000,
  silenceMs: 60_000,
  killMs: 20_000,
  retries: 2,
  backoffMs: 1_000,
  backoffMaxMs: 5_000,
  cleanupMs: 30_000,
};

const HOSTS = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'];

const RESOURCES: Resource[] = [
  { name: 'cpus', type: 'SCALAR', scalar: { value: 4 } },
  { name: 'mem', type: 'SCALAR', scalar: { value: 8000 } },
  { name: 'disk', type: 'SCALAR', scalar: { value: 10_000 } },
  {
    name: 'ports',
    type: 'RANGES',
    ranges: {
      range: [
        { begin: 7000, end: 7001 },
        { begin: 9042, end: 9042 },
        { begin: 31000, end: 31010 },
      ],
    },
  },
];

/** The real scheduler on a real state file, before a model of Mesos; it knows at every moment what must hold. */
export class World {
  readonly mesos: ModelMesos;
  /** What lies at every location, under any name. */
  found: FoundBackup['state'] = 'ABSENT';
  readonly #clock = new ModelClock();
  readonly wire = new ModelWire(() => this.#clock.now());
  readonly #path: string;
  readonly #settings: SchedulerSettings;
  #file: Database.Database;
  #state: MortalState;
  #jobs!: ClusterJobs;
  #ring!: Ring;
  #scheduler!: Scheduler;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #failure: unknown = null;
  readonly #checks = new WorldChecks(
    () => this.mesos,
    () => this.#file,
  );
  #refusal = '';

  constructor(path: string, changes: Partial<SchedulerSettings>) {
    this.#path = path;
    this.#settings = { ...settings, nodeCount: 3, ...changes };
    this.mesos = new ModelMesos(HOSTS, this.#settings.role, RESOURCES, {
      now: () => this.#clock.now(),
      onCall: (call) => this.#checks.onCall(call),
      report: (phase, executorId) => {
        const job = this.#jobs.running();
        return goodReport(job ?? ({ phases: [] } as never), phase, executorId);
      },
    });
    this.#state = this.#open();
    this.#file = new Database(path, { readonly: true });
    this.#start();
  }

  #open(): MortalState {
    // Whoever is dead says nothing more.
    return new MortalState(openState(this.#path), () => void this.mesos.client());
  }

  get state(): State {
    return this.#state.state;
  }

  /** Lets the scheduler that runs now die at a transition of a job. */
  meets(fate: Fate | null): void {
    this.#state.meets(fate);
  }

  /** Does something that the scheduler may not outlive; when it did not, the next one begins with its file. True when it died. */
  async survives(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      await this.settle();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    if (!this.#state.isDead) return false;
    await this.restart();
    return true;
  }

  get nodes() {
    return this.state.nodes.all();
  }

  #start(): void {
    const clock = this.#clock;
    const log = createLogger('test', 'silent');
    const wake = (): void => this.#scheduler.wake();
    this.#jobs = new ClusterJobs({
      state: this.state,
      clock,
      cluster: this.#settings.clusterName,
      defaultLocation: 'file:///backup',
      wake: () => this.#scheduler?.wake(),
      findBackup: () => Promise.resolve({ state: this.found, message: null }),
    });
    this.#ring = new Ring({ state: this.state, wake });
    this.#scheduler = new Scheduler({
      client: this.wire.through(this.mesos.client()),
      state: this.state,
      jobs: this.#jobs,
      settings: this.#settings,
      lastOffers: new LastOffers(clock),
      limits,
      clock,
      log,
    });
    this.#stop = new AbortController();
    this.#running = this.#scheduler.run(this.#stop.signal).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** The scheduler ends at any moment and another one begins with its file. */
  async restart(): Promise<void> {
    await this.#end();
    this.#failure = null;
    this.#state = this.#open();
    this.#file = new Database(this.#path, { readonly: true });
    this.#start();
  }

  async #end(): Promise<void> {
    this.mesos.client();
    this.wire.goOn();
    this.#stop.abort();
    await this.#running;
    this.#file.close();
    this.state.close();
  }

  async close(): Promise<void> {
    await this.#end();
  }

  async pass(ms: number): Promise<void> {
    this.#clock.pass(ms);
    this.wire.pass();
    this.mesos.pass();
    await this.settle();
  }

  /** Everything that follows from what has happened is done. */
  async settle(): Promise<void> {
    await setImmediate();
    if (this.#failure) throw this.#failure;
    this.#checks.onRest();
    if (this.#checks.faults.length > 0) throw new Error(this.#checks.faults.join('\n'));
  }

  async deliver(index = 0): Promise<void> {
    await this.#handOver(index);
    await this.settle();
  }

  /** All that is on its way comes in one piece. */
  async deliverTogether(): Promise<void> {
    for (let count = this.mesos.queue.length; count > 0; count -= 1) await this.#handOver(0);
    await this.settle();
  }

  async #handOver(index: number): Promise<void> {
    const event = this.mesos.queue[index];
    if (event?.type === 'UPDATE') this.#checks.onTold(event.update.status);
    await this.mesos.deliver(index);
  }

  async deliverAll(): Promise<void> {
    while (this.mesos.queue.length > 0) await this.deliver();
  }

  /** An operator's order; what is refused was refused. */
  async order(give: (ring: Ring, jobs: ClusterJobs) => unknown): Promise<void> {
    try {
      await give(this.#ring, this.#jobs);
    } catch (error) {
      if (!(error instanceof OperatorError) || error.code === 'INTERNAL') throw error;
      this.#refusal = error.message;
    }
    await this.settle();
  }

  /** Why this is not the end of all trouble; null when every job has ended and all nodes that are wanted run. */
  unrest(): string | null {
    const job = this.#jobs.running();
    if (job) return `job ${job.id} ${job.type} runs: ${JSON.stringify(job.phases)}`;
    const restless = this.nodes.find((node) => node.targetRunState !== 'RUN' || !isNodeReady(node));
    if (restless) return `${restless.executorId} does not run: ${this.#describe()}`;
    const known = new Set(this.nodes.map(({ serverTaskId }) => serverTaskId));
    const stray = liveTasks(this.mesos.agents).find(({ task }) => !known.has(task.taskId));
    return stray ? `${stray.task.taskId} is still at work` : null;
  }

  #isLost({ agentId }: ClusterNode): boolean {
    return this.mesos.agent(agentId ?? undefined)?.standing === 'GONE';
  }

  #describe(): string {
    const nodes = this.nodes.map(
      ({ number, seed, targetRunState, serverState, hostname, bootstrapped, lastError, ...node }) =>
        JSON.stringify({
          number,
          seed,
          targetRunState,
          serverState,
          hostname,
          bootstrapped,
          lastError,
          replaces: node.replaces,
        }),
    );
    return [...nodes, `refused: ${this.#refusal}`].join('\n');
  }

  /** The faults stop, operators do what they are told to, and time passes. */
  async comeToRest(): Promise<void> {
    this.mesos.losesNextCall = null;
    this.wire.goOn();
    for (const agent of this.mesos.agents) this.mesos.bringBack(agent, true);
    for (let round = 0; round < 400; round += 1) {
      await this.mesos.subscribe();
      await this.pass(2_000);
      await this.deliverAll();
      if (round % 20 === 19) await this.#operate();
      if (this.unrest() === null) return;
    }
    throw new Error(`no rest: ${this.unrest() ?? ''}`);
  }

  /** Starts what is stopped, replaces what is lost, and lets go what was replaced. */
  async #operate(): Promise<void> {
    // As the refusal of a replacement says when all seeds are lost.
    const alive = this.nodes.filter((node) => node.bootstrapped && isMember(node) && !this.#isLost(node));
    if (alive[0] && !alive.some(({ seed }) => seed)) {
      const { executorId } = alive[0];
      await this.order((ring) => ring.setSeed(executorId, true));
    }
    for (const node of this.nodes) {
      const { executorId, targetRunState, serverState } = node;
      const isLost = this.#isLost(node);
      if (targetRunState === 'STOP' && serverState === 'NONE' && !isLost)
        await this.order((ring) => ring.order(executorId, 'start'));
      if (targetRunState === 'TERMINATE') await this.order((ring) => ring.forget(executorId));
      if (!isLost || targetRunState === 'TERMINATE') continue;
      await this.order((ring) => ring.order(executorId, 'stop'));
      await this.order((ring) => ring.replace(executorId));
    }
  }
}
