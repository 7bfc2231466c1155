import { pause } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { decodeNodeTask, decodePace, encodeStepProgress } from '../mesos/messages.ts';
import type { ExecutorEvent, TaskInfo } from '../mesos/types.ts';
import type { PhaseName } from '../model/phase.ts';
import { sealedFor, type GivenCredentials } from '../model/credentials.ts';
import { emptyReport, type NodeTask, type StepRequest } from '../model/step.ts';
import { SealingKey } from '../sealed.ts';
import { toJobError } from './report.ts';
import type { StartServer } from './server.ts';
import { ServerTask } from './server-task.ts';
import { StepTask, type StepTaskDependencies } from './step-task.ts';
import { TaskUpdates } from './task-updates.ts';

export interface ExecutorDependencies extends Omit<StepTaskDependencies, 'updates'> {
  executorId: string;
  startServer: StartServer;
  /** From SHUTDOWN until the agent kills the executor. */
  shutdownGracePeriodMs: number;
}

/** For Cassandra to drain and stop when the server's task is killed without saying how long that may take. */
const KILL_GRACE_MS = 60_000;
/** What a job has left on the disks is to go also while Cassandra is down, and the location is there without it. */
const NEEDS_NO_CASSANDRA: ReadonlySet<PhaseName> = new Set(['cleanup', 'preflight']);
/** What of the grace period is left for the last updates and the end of the process. */
const RESERVE_MS = 500;

/** One node: runs its Cassandra, and one step of a cluster job at a time, as its tasks say. */
export class Executor {
  readonly #deps: ExecutorDependencies;
  readonly #updates: TaskUpdates;
  readonly #over = new AbortController();
  readonly #sealingKey = new SealingKey();
  /** The last ones that were launched; `over` says whether they have ended. */
  #server: ServerTask | null = null;
  #step: StepTask | null = null;
  #stopping: Promise<void> | null = null;

  constructor(deps: ExecutorDependencies) {
    this.#deps = { ...deps, log: deps.log.child({ node: deps.executorId }) };
    this.#updates = new TaskUpdates(deps.client);
  }

  /**
   * Works until the agent says SHUTDOWN or `signal` aborts, and ends with Cassandra stopped. Throws what the client throws
   * when the agent is lost for good; Cassandra is stopped then as well.
   */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#shutDown('the executor was told to end');
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await this.#deps.client.run((event) => this.#on(event), this.#over.signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#shutDown('the executor has lost its Mesos agent');
      await this.#stopping;
    }
  }

  /** Starts what is to be done and returns: the next event must not wait for it. */
  async #on(event: ExecutorEvent): Promise<void> {
    switch (event.type) {
      case 'LAUNCH':
        return this.#launch(event.launch.task);
      case 'KILL':
        return this.#kill(event.kill.taskId.value, event.kill.killPolicy?.gracePeriod?.nanoseconds);
      case 'SHUTDOWN':
        return this.#shutDown('the executor is being shut down');
      case 'ERROR':
        this.#deps.log.error({ reason: event.error.message }, 'the agent reports an error');
        return;
      case 'MESSAGE':
        return this.#hear(event.message.data);
      case 'SUBSCRIBED':
      case 'ACKNOWLEDGED':
      case 'HEARTBEAT':
        return;
    }
  }

  /** A message that cannot be read must not end the executor: whoever sent it sees that nothing has changed. */
  #hear(data: Uint8Array): void {
    try {
      const pace = decodePace(data);
      if (pace !== null && pace.taskId === this.#step?.taskId) this.#step.pace(pace.bandwidth);
    } catch (error) {
      this.#deps.log.warn({ reason: messageOf(error) }, 'what the scheduler says cannot be read');
    }
  }

  async #launch(task: TaskInfo): Promise<void> {
    const taskId = task.taskId.value;
    if (await this.#updates.answerAgain(taskId)) return;
    try {
      if (this.#stopping !== null) throw busy('the executor is shutting down');
      const nodeTask = decodeNodeTask(task.data ?? new Uint8Array());
      this.#checkExecutorId(nodeTask);
      if ('server' in nodeTask) this.#launchServer(taskId, nodeTask);
      else this.#launchStep(taskId, nodeTask);
    } catch (error) {
      await this.#refuse(taskId, error);
    }
  }

  #launchServer(taskId: string, { server: request }: Extract<NodeTask, { server: unknown }>): void {
    if (this.#server?.over === false) throw busy(`Cassandra runs already as task ${this.#server.taskId}`);
    const sealingKey = this.#sealingKey.publicKey;
    this.#server = new ServerTask(taskId, request, { ...this.#deps, updates: this.#updates, sealingKey });
  }

  #launchStep(taskId: string, { step: request }: Extract<NodeTask, { step: unknown }>): void {
    if (this.#step?.over === false) throw busy(`another step is running on this node: ${this.#step.taskId}`);
    const current = NEEDS_NO_CASSANDRA.has(request.phase) ? this.#server?.started : this.#server?.server;
    const server = { current: current ?? null, ip: this.#server?.request.address ?? '' };
    let given = this.#unsealed(taskId, request);
    this.#step = new StepTask(taskId, request, server, {
      ...this.#deps,
      updates: this.#updates,
      openStorage: (location, how) => this.#deps.openStorage(location, { ...how, given }),
    });
    // What is remembered of a step must not hold them any longer.
    void this.#step.ended.then(() => (given = undefined));
  }

  /** The credentials that came with the job's request; undefined where none did. Throws TASK_LOST. */
  #unsealed(taskId: string, { sealedCredentials, location }: StepRequest): GivenCredentials | undefined {
    if (sealedCredentials === undefined) return undefined;
    const text = this.#sealingKey.open(sealedCredentials, sealedFor(taskId, location));
    return JSON.parse(text) as GivenCredentials;
  }

  #checkExecutorId(task: NodeTask): void {
    const got = 'server' in task ? task.server.executorId : task.step.executorId;
    if (got === this.#deps.executorId) return;
    throw new OperatorError('INTERNAL', `expected a task for ${this.#deps.executorId}, got one for ${got}`);
  }

  async #refuse(taskId: string, error: unknown): Promise<void> {
    const { executorId, log } = this.#deps;
    log.warn({ task: taskId, reason: messageOf(error) }, 'task refused');
    const report = { ...emptyReport(), errors: [toJobError(executorId, error)] };
    const data = encodeStepProgress({ taskId, report });
    await this.#updates.send(taskId, { state: 'TASK_FAILED', message: messageOf(error), data });
  }

  async #kill(taskId: string, graceNanoseconds: number | undefined): Promise<void> {
    if (this.#server?.taskId === taskId && !this.#server.over) {
      const graceMs = graceNanoseconds === undefined ? KILL_GRACE_MS : graceNanoseconds / 1e6;
      this.#inBackground(this.#server.kill(graceMs));
    } else if (this.#step?.taskId === taskId && !this.#step.over) {
      this.#inBackground(this.#step.kill('the step was killed'));
    } else if (!(await this.#updates.answerAgain(taskId))) {
      this.#deps.log.warn({ task: taskId }, 'asked to kill a task that is not known here');
    }
  }

  #shutDown(reason: string): void {
    if (this.#stopping !== null) return;
    this.#deps.log.info({ reason }, 'shutting down');
    this.#stopping = this.#stopAll(reason);
    this.#inBackground(this.#stopping.finally(() => this.#over.abort()));
  }

  /** The step first, while Cassandra is there to clear its snapshot; then Cassandra. */
  async #stopAll(reason: string): Promise<void> {
    const { clock, shutdownGracePeriodMs } = this.#deps;
    const deadline = clock.now() + Math.max(0, shutdownGracePeriodMs - RESERVE_MS);
    if (this.#step !== null) {
      const patience = new AbortController();
      await Promise.race([this.#step.kill(reason), pause(clock, shutdownGracePeriodMs / 3, patience.signal)]);
      patience.abort();
    }
    await this.#server?.kill(Math.max(0, deadline - clock.now()));
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#deps.log.error({ err: error }, 'the executor failed in the background'));
  }
}

/** Busy only for now: the scheduler may launch the task again. */
function busy(message: string): OperatorError {
  return new OperatorError('TASK_LOST', message);
}
