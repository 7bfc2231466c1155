// The executors of an agent, from their launch or recovery to the end of their processes.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { ExecutorInfo } from '../mesos/types.ts';
import { findFramework, type AgentState, type ExecutorRecord } from './agent-state.ts';
import { executorToken } from './executor-token.ts';
import { Executor, type Termination } from './executor.ts';

export interface ExecutorSettings {
  ip: string;
  /** Where executors are told to subscribe, when that is not the agent itself. */
  executorEndpoint?: string;
  /** Keeps state and sandboxes: the same directory makes the same agent. */
  directory: string;
  executorRegistrationTimeoutMs: number;
  executorReregistrationTimeoutMs: number;
  /** Between SHUTDOWN and SIGKILL, for an executor whose ExecutorInfo does not say. */
  executorShutdownGraceMs: number;
  /** How long an executor is told to wait for an agent that is away. */
  executorRecoveryTimeoutMs: number;
  fetchTimeoutMs: number;
  /** Executors have to prove who they are. */
  executorAuthentication: boolean;
  clock: Clock;
  log: Logger;
}

/** Mesos's work directory: sandboxes and volumes. */
export const workDirectory = (directory: string) => join(directory, 'work');

interface ExecutorsOptions {
  settings: ExecutorSettings;
  state: () => AgentState;
  save: () => Promise<void>;
  /** Makes a new sandbox ready. */
  prepare: (record: ExecutorRecord) => Promise<void>;
  /** Nothing is left of the executor. */
  terminated: (record: ExecutorRecord, termination: Termination) => Promise<void>;
  signal: AbortSignal;
}

export class Executors {
  readonly #options: ExecutorsOptions;
  readonly #executors = new Map<string, Executor>();
  readonly #runs = new Set<Promise<void>>();

  constructor(options: ExecutorsOptions) {
    this.#options = options;
  }

  get(frameworkId: string, executorId: string): Executor | undefined {
    return this.#executors.get(keyOf(frameworkId, executorId));
  }

  ofFramework(frameworkId: string): Executor[] {
    return [...this.#executors.values()].filter(({ record }) => record.frameworkId === frameworkId);
  }

  launch(frameworkId: string, info: ExecutorInfo): void {
    const { settings, state } = this.#options;
    const containerId = randomUUID();
    const path = ['slaves', state().id ?? '', 'frameworks', frameworkId, 'executors', info.executorId.value];
    const sandbox = join(workDirectory(settings.directory), ...path, 'runs', containerId);
    const record = { frameworkId, info, containerId, sandbox };
    state().executors.push(record);
    settings.log.info({ executor: info.executorId.value, sandbox }, 'launching executor');
    const executor = this.#add(record);
    this.#watch(executor, executor.run());
  }

  /** Goes on with all that an earlier life of the agent has launched. */
  recover(): void {
    for (const record of this.#options.state().executors) {
      const executor = this.#add(record);
      this.#watch(executor, executor.recover());
      if (!findFramework(this.#options.state(), record.frameworkId)) executor.shutdown();
    }
  }

  shutdown(): void {
    for (const executor of this.#executors.values()) executor.shutdown();
  }

  /** Resolves when no executor is left, or when the agent has ended. */
  async over(): Promise<void> {
    await Promise.all(this.#runs);
  }

  #add(record: ExecutorRecord): Executor {
    const { settings, state, save, prepare, signal } = this.#options;
    const executor = new Executor(record, {
      clock: settings.clock,
      log: settings.log.child({ executor: record.info.executorId.value }),
      facts: {
        agentId: state().id ?? '',
        ip: settings.ip,
        port: state().port,
        ...(settings.executorEndpoint === undefined ? {} : { endpoint: settings.executorEndpoint }),
        checkpoint: findFramework(state(), record.frameworkId)?.checkpoint ?? false,
        recoveryTimeoutMs: settings.executorRecoveryTimeoutMs,
        subscriptionBackoffMaxMs: settings.executorReregistrationTimeoutMs,
        ...(settings.executorAuthentication ? { token: executorToken(state().key, record) } : {}),
      },
      shutdownGraceMs: settings.executorShutdownGraceMs,
      registrationTimeoutMs: settings.executorRegistrationTimeoutMs,
      reregistrationTimeoutMs: settings.executorReregistrationTimeoutMs,
      fetchTimeoutMs: settings.fetchTimeoutMs,
      save,
      prepare,
      signal,
    });
    this.#executors.set(keyOf(record.frameworkId, record.info.executorId.value), executor);
    return executor;
  }

  #watch({ record }: Executor, run: Promise<Termination | undefined>): void {
    const { settings, terminated } = this.#options;
    const end = async () => {
      const termination = await run;
      if (!termination) return;
      this.#executors.delete(keyOf(record.frameworkId, record.info.executorId.value));
      await terminated(record, termination);
    };
    const over = end()
      .catch((error: unknown) => settings.log.error({ err: error }, 'an executor cannot be ended'))
      .finally(() => this.#runs.delete(over));
    this.#runs.add(over);
  }
}

function keyOf(frameworkId: string, executorId: string): string {
  return JSON.stringify([frameworkId, executorId]);
}
