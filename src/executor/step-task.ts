import { messageOf, OperatorError } from '../errors.ts';
import { encodeExecutorMessage, encodeStepProgress } from '../mesos/messages.ts';
import type { ExecutorClient } from '../mesos/types.ts';
import type { StepReport, StepRequest } from '../model/step.ts';
import { Reporter } from './report.ts';
import { runStep, type StepDependencies } from './run-step.ts';
import type { Server } from './server.ts';
import type { TaskUpdates } from './task-updates.ts';

export interface StepTaskDependencies extends StepDependencies {
  client: ExecutorClient;
  updates: TaskUpdates;
}

/** A sign of life even when nothing has changed: the scheduler's deadline counts from it. */
const HEARTBEAT_MS = 1000;

/** The life of one step's task: RUNNING (with progress) → FINISHED | FAILED | KILLED. */
export class StepTask {
  readonly taskId: string;
  readonly request: StepRequest;
  /** Resolves when the step has ended, cleaned up and was reported; never rejects. */
  readonly ended: Promise<void>;
  readonly #deps: StepTaskDependencies;
  readonly #reporter: Reporter;
  readonly #kill = new AbortController();
  #over = false;

  constructor(
    taskId: string,
    request: StepRequest,
    server: { current: Server | null; ip: string },
    deps: StepTaskDependencies,
  ) {
    this.taskId = taskId;
    this.request = request;
    const { jobId: job, phase, attempt } = request;
    this.#deps = { ...deps, log: deps.log.child({ job, phase, attempt, task: taskId }) };
    this.#reporter = new Reporter(request.executorId, deps.clock);
    this.ended = this.#run(server);
  }

  /** True as soon as the end is being reported: from then on another step may begin. */
  get over(): boolean {
    return this.#over;
  }

  /** Ends the step as fast as it can be cleaned up. */
  kill(reason: string): Promise<void> {
    this.#kill.abort(new OperatorError('ABORTED', reason));
    return this.ended;
  }

  /** From now on so many bytes per second may be moved; null for no limit. */
  pace(bandwidth: number | null): void {
    if (this.#over) return;
    this.#deps.pool.throttle.rate = bandwidth;
    this.#deps.log.info({ bandwidth }, 'bandwidth changed');
  }

  async #run(server: { current: Server | null; ip: string }): Promise<void> {
    const { updates, pool, log } = this.#deps;
    const over = new AbortController();
    try {
      log.info('step begins');
      pool.throttle.rate = this.request.bandwidth ?? null;
      await updates.send(this.taskId, { state: 'TASK_RUNNING', data: this.#progress(this.#report()) });
      const heartbeat = this.#heartbeat(over.signal);
      const { state, message, report } = await runStep(
        this.request,
        server,
        this.#reporter,
        this.#kill.signal,
        this.#deps,
      );
      over.abort();
      await heartbeat;
      this.#over = true;
      log.info({ state, ...(message === '' ? {} : { reason: message }) }, 'step ended');
      await updates.send(this.taskId, { state, message, data: this.#progress(report) });
    } catch (error) {
      log.error({ err: error }, 'the step could not be reported');
    } finally {
      over.abort();
    }
  }

  async #heartbeat(over: AbortSignal): Promise<void> {
    const { clock, client, log } = this.#deps;
    while (!over.aborted) {
      try {
        await clock.sleep(HEARTBEAT_MS, over);
        const progress = { taskId: this.taskId, report: this.#report() };
        await client.message(encodeExecutorMessage({ progress }));
      } catch (error) {
        // Best effort: the next one follows, and the final status is delivered for sure.
        if (!over.aborted) log.warn({ reason: messageOf(error) }, 'progress was not delivered');
      }
    }
  }

  /** What is done so far, and how fast it may go on. */
  #report(): StepReport {
    return { ...this.#reporter.report, bandwidth: this.#deps.pool.throttle.rate };
  }

  #progress(report: StepReport): Uint8Array {
    return encodeStepProgress({ taskId: this.taskId, report });
  }
}
