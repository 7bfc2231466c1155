// An agent's part of operations: it carries them out one after the other, keeps what came of them, and tells it until
// that is acknowledged.
import type { Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { OperationStatus, Resource } from '../mesos/types.ts';
import type { AgentState } from './agent-state.ts';
import type { AgentOperation } from './links.ts';
import { convert, resourcesOf, type ResourceOperation } from './operations.ts';
import { isDynamicallyReserved, withReserved } from './resources.ts';
import { MAX_RESEND_MS } from './status-updates.ts';
import { after } from './timer.ts';
import { newUuid } from './uuid.ts';
import { createVolume, destroyVolume } from './volumes.ts';

export interface AgentOperationsOptions {
  state: AgentState;
  /** What the agent is configured with. */
  resources: readonly Resource[];
  workDirectory: string;
  clock: Clock;
  /** Pause before a status is sent again; doubles each time. */
  resendMs: number;
  /** Puts the state on disk. */
  save: () => Promise<void>;
  /** Sends the status on, if there is a way to. */
  forward: (operation: AgentOperation) => void;
  /** The resources are not what the master thinks that they are. */
  failed: (error: unknown) => void;
  signal: AbortSignal;
}

export class AgentOperations {
  readonly #options: AgentOperationsOptions;
  readonly #resends = new Map<AgentOperation, () => void>();
  #queue: Promise<void> = Promise.resolve();

  constructor(options: AgentOperationsOptions) {
    this.#options = options;
    const { state } = options;
    // Those that an earlier life of the agent has not come to: the master finds out that they are missing.
    state.operations = state.operations.filter(({ status }) => status.state !== 'OPERATION_PENDING');
  }

  apply(frameworkId: string, operation: ResourceOperation): void {
    const { state } = this.#options;
    const record = operation.id && { frameworkId, status: this.#status(operation, 'OPERATION_PENDING') };
    if (record) state.operations.push(record);
    this.#queue = this.#queue.then(() => this.#carryOut(operation, record)).catch(this.#options.failed);
  }

  /** Resolves when everything that was ordered until now is carried out. */
  settled(): Promise<void> {
    return this.#queue;
  }

  async acknowledge(frameworkId: string, operationId: string, uuid: Uint8Array): Promise<void> {
    const { state, save } = this.#options;
    const record = state.operations.find(
      ({ frameworkId: owner, status }) => owner === frameworkId && status.operationId?.value === operationId,
    );
    if (!record || Buffer.compare(record.status.uuid?.value ?? Buffer.alloc(0), uuid) !== 0) return;
    this.#resends.get(record)?.();
    this.#resends.delete(record);
    state.operations = state.operations.filter((other) => other !== record);
    await save();
  }

  /** Sends at once what is unacknowledged. */
  resume(): void {
    for (const record of this.#options.state.operations) {
      this.#resends.get(record)?.();
      this.#send(record, this.#options.resendMs);
    }
  }

  /** The status says so only when it is on the disk, in both senses. */
  async #carryOut(operation: ResourceOperation, record: AgentOperation | undefined): Promise<void> {
    const { save, resendMs, failed } = this.#options;
    let error: unknown;
    try {
      await this.#change(operation);
    } catch (fault) {
      error = fault;
    }
    if (record) {
      const outcome = error === undefined ? 'OPERATION_FINISHED' : 'OPERATION_FAILED';
      const message = error === undefined ? {} : { message: messageOf(error) };
      record.status = { ...this.#status(operation, outcome), uuid: { value: newUuid() }, ...message };
    }
    await save();
    if (record) this.#send(record, resendMs);
    if (error !== undefined) failed(error);
  }

  async #change(operation: ResourceOperation): Promise<void> {
    const { state, resources, workDirectory } = this.#options;
    const act = { CREATE: createVolume, DESTROY: destroyVolume, RESERVE: undefined, UNRESERVE: undefined };
    const changed = convert(withReserved(resources, state.reserved), operation);
    if (typeof changed === 'string') throw new OperatorError('INTERNAL', changed);
    for (const volume of resourcesOf(operation)) await act[operation.type]?.(workDirectory, volume);
    state.reserved = changed.filter(isDynamicallyReserved);
  }

  #send(record: AgentOperation, pauseMs: number): void {
    const { clock, signal, forward } = this.#options;
    if (signal.aborted || record.status.state === 'OPERATION_PENDING') return;
    const again = () => this.#send(record, Math.min(pauseMs * 2, MAX_RESEND_MS));
    this.#resends.set(record, after(clock, pauseMs, again, signal));
    forward(record);
  }

  #status({ id }: ResourceOperation, state: OperationStatus['state']): OperationStatus {
    return { ...(id ? { operationId: id } : {}), state, agentId: { value: this.#options.state.id ?? '' } };
  }
}
