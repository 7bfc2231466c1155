// One run of an executor on an agent: fetched, forked, subscribed, shut down, and its process group gone at the end.
import { mkdir } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ExecutorEvent } from '../mesos/types.ts';
import type { ExecutorRecord } from './agent-state.ts';
import { formatDuration } from './durations.ts';
import { executorEnvironment, shutdownGraceMs, type EnvironmentFacts } from './environment.ts';
import { adopted, fork, UNKNOWN_STATUS } from './executor-process.ts';
import { fetchAll } from './fetcher.ts';
import type { EventStream } from './http.ts';
import { killGroup } from './process-group.ts';
import { after } from './timer.ts';

/** How an executor's run ended, in the words of the status updates for its tasks. */
export interface Termination {
  /** As of wait(2); -1 when unknown. */
  status: number;
  reason: string;
  message: string;
}

type Why = Omit<Termination, 'status'>;

const TERMINATED: Why = { reason: 'REASON_EXECUTOR_TERMINATED', message: 'Executor terminated' };

export interface ExecutorOptions {
  clock: Clock;
  log: Logger;
  /** What is told by the environment beside the record itself. */
  facts: Omit<EnvironmentFacts, 'executor' | 'frameworkId' | 'sandbox' | 'shutdownGraceMs'>;
  /** Makes the sandbox ready for what comes: its volumes are there. */
  prepare: (record: ExecutorRecord) => Promise<void>;
  /** For an executor that says nothing else. */
  shutdownGraceMs: number;
  registrationTimeoutMs: number;
  reregistrationTimeoutMs: number;
  fetchTimeoutMs: number;
  /** Puts the record on disk. */
  save: () => Promise<void>;
  /** The agent's life: afterwards the process goes on without us. */
  signal: AbortSignal;
}

export class Executor {
  readonly record: ExecutorRecord;
  readonly #options: ExecutorOptions;
  readonly #launching = new AbortController();
  #phase: 'registering' | 'running' | 'terminating' = 'registering';
  #stream: EventStream<ExecutorEvent> | undefined;
  #why: Why | undefined;
  #cancelTimer = () => {};

  constructor(record: ExecutorRecord, options: ExecutorOptions) {
    this.record = record;
    this.#options = options;
  }

  get phase(): 'registering' | 'running' | 'terminating' {
    return this.#phase;
  }

  /** Subscribed, and no shutdown under way: LAUNCH reaches it. */
  get isReady(): boolean {
    return this.#phase === 'running' && this.#stream !== undefined;
  }

  /** Launches it; resolves when nothing of it is left, or with `undefined` when the agent stopped before. */
  run(): Promise<Termination | undefined> {
    return this.#runUntil(() => this.#launch());
  }

  /** Goes on with what an earlier run of the agent has launched. */
  recover(): Promise<Termination | undefined> {
    return this.#runUntil(async () => {
      const { process } = this.record;
      if (!process) return UNKNOWN_STATUS;
      const { clock, reregistrationTimeoutMs: timeoutMs, signal } = this.#options;
      this.#expectSubscription(timeoutMs, {
        reason: 'REASON_EXECUTOR_REREGISTRATION_TIMEOUT',
        message: `Executor did not reregister within ${formatDuration(timeoutMs)}`,
      });
      return adopted(process, clock, signal);
    });
  }

  /** Its connection for events; an older one ends. */
  subscribe(stream: EventStream<ExecutorEvent>): void {
    this.#stream?.end();
    this.#stream = stream;
    stream.onClose(() => {
      if (this.#stream === stream) this.#stream = undefined;
    });
    if (this.#phase === 'terminating') return stream.send({ type: 'SHUTDOWN' });
    this.#cancelTimer();
    this.#phase = 'running';
  }

  /** Lost when it is not connected: executors hand over what they miss when they subscribe. */
  send(event: ExecutorEvent): void {
    this.#stream?.send(event);
  }

  /** Asks it to end, and kills it after its grace period. */
  shutdown(): void {
    if (this.#phase === 'terminating') return;
    const { clock, signal, shutdownGraceMs: fallbackMs } = this.#options;
    this.#phase = 'terminating';
    this.send({ type: 'SHUTDOWN' });
    this.#cancelTimer();
    const graceMs = shutdownGraceMs(this.record.info, fallbackMs);
    this.#cancelTimer = after(clock, graceMs, () => this.destroy(), signal);
    // Nothing was forked yet: nothing to wait for.
    if (!this.record.process) this.destroy();
  }

  /** Kills it and all that it started, now. */
  destroy(why: Why = TERMINATED): void {
    const { clock, log } = this.#options;
    this.#phase = 'terminating';
    this.#why ??= why;
    this.#launching.abort();
    if (this.record.process) {
      killGroup(this.record.process, clock).catch((error: unknown) => log.error({ err: error }, 'executor lives on'));
    }
  }

  async #runUntil(ended: () => Promise<number>): Promise<Termination | undefined> {
    const { clock, signal } = this.#options;
    let status = UNKNOWN_STATUS;
    try {
      status = await ended();
    } catch (error) {
      const message = `Failed to launch container: ${messageOf(error)}`;
      this.#why ??= { reason: 'REASON_CONTAINER_LAUNCH_FAILED', message };
    }
    if (signal.aborted) return undefined;
    this.#phase = 'terminating';
    this.#cancelTimer();
    this.#stream?.end();
    if (this.record.process) await killGroup(this.record.process, clock);
    return { ...TERMINATED, ...this.#why, status };
  }

  async #launch(): Promise<number> {
    const { facts, prepare, save, signal, registrationTimeoutMs: timeoutMs } = this.#options;
    const { frameworkId, info, sandbox } = this.record;
    const command = info.command ?? {};
    await mkdir(sandbox, { recursive: true });
    await prepare(this.record);
    await this.#fetch();
    const graceMs = shutdownGraceMs(info, this.#options.shutdownGraceMs);
    const environment = executorEnvironment({
      ...facts,
      executor: info,
      frameworkId,
      sandbox,
      shutdownGraceMs: graceMs,
    });
    const child = await fork(command, sandbox, environment);
    this.record.process = child.identity;
    try {
      await save();
      if (signal.aborted || this.#launching.signal.aborted) child.cancel();
      else child.release();
    } catch (error) {
      child.cancel();
      throw error;
    }
    this.#expectSubscription(timeoutMs, {
      reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT',
      message: `Executor did not register within ${formatDuration(timeoutMs)}`,
    });
    return child.ended;
  }

  async #fetch(): Promise<void> {
    const { fetchTimeoutMs, signal } = this.#options;
    const { containerId, info, sandbox } = this.record;
    const limit = AbortSignal.any([signal, this.#launching.signal, AbortSignal.timeout(fetchTimeoutMs)]);
    try {
      await fetchAll(info.command?.uris ?? [], sandbox, limit);
      limit.throwIfAborted();
    } catch (error) {
      throw new Error(`Failed to fetch all URIs for container '${containerId}': ${messageOf(error)}`, { cause: error });
    }
  }

  #expectSubscription(timeoutMs: number, why: Why): void {
    if (this.#phase !== 'registering') return;
    const { clock, signal } = this.#options;
    this.#cancelTimer = after(clock, timeoutMs, () => this.destroy(why), signal);
  }
}
