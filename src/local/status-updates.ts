// Reliable delivery of status updates: stored first, one at a time per task, sent again until acknowledged.
import type { Clock } from '../clock.ts';
import type { TaskStatus } from '../mesos/types.ts';
import type { TaskRecord } from './agent-state.ts';
import { isTerminal } from '../mesos/task-state.ts';
import { after } from './timer.ts';

/** The longest pause between two tries, as in Mesos. */
export const MAX_RESEND_MS = 600_000;

/** More than an executor ever has under way for one task. */
const REMEMBERED_UUIDS = 100;

export interface StatusUpdatesOptions {
  clock: Clock;
  /** Pause before an update is sent again; doubles each time. */
  resendMs: number;
  /** Puts the records on disk. */
  save: () => Promise<void>;
  /** Sends the update on, if there is a way to. */
  forward: (task: TaskRecord, status: TaskStatus) => void;
  /** The task's last update is acknowledged: nothing is left to say about it. */
  done: (task: TaskRecord) => void;
  /** Ends all sending. */
  signal: AbortSignal;
}

export class StatusUpdates {
  readonly #options: StatusUpdatesOptions;
  /** Tasks whose first pending update is under way, with what calls the next try off. */
  readonly #underWay = new Map<TaskRecord, () => void>();

  constructor(options: StatusUpdatesOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the update is on disk and, if it is its turn, sent. One that was stored before, or comes after the
   * task's end, is left out.
   */
  async store(task: TaskRecord, status: TaskStatus): Promise<void> {
    const uuid = hex(status.uuid);
    if (!task.received.includes(uuid) && !isTerminal(task.state)) {
      task.received = [...task.received.slice(1 - REMEMBERED_UUIDS), uuid];
      task.pending.push(status);
      task.state = status.state;
    }
    await this.#options.save();
    this.#sendFirst(task);
  }

  /** The scheduler has it: on with the next one. Anything but the update that is under way is ignored. */
  async acknowledge(task: TaskRecord, uuid: Uint8Array): Promise<void> {
    const [first] = task.pending;
    if (!first || hex(first.uuid) !== hex(uuid)) return;
    this.#stop(task);
    task.pending.shift();
    const finished = isTerminal(first.state);
    if (finished) this.#options.done(task);
    await this.#options.save();
    if (!finished) this.#sendFirst(task);
  }

  /** Sends at once what is unacknowledged. */
  resume(tasks: readonly TaskRecord[]): void {
    for (const task of tasks) {
      this.#stop(task);
      this.#sendFirst(task);
    }
  }

  /** Sends nothing more of it. */
  forget(task: TaskRecord): void {
    this.#stop(task);
  }

  #sendFirst(task: TaskRecord): void {
    if (!this.#underWay.has(task)) this.#send(task, this.#options.resendMs);
  }

  #send(task: TaskRecord, pauseMs: number): void {
    const { clock, signal, forward } = this.#options;
    const [first] = task.pending;
    if (!first || signal.aborted) return;
    const again = () => this.#send(task, Math.min(pauseMs * 2, MAX_RESEND_MS));
    this.#underWay.set(task, after(clock, pauseMs, again, signal));
    task.forwarded = first;
    forward(task, first);
  }

  #stop(task: TaskRecord): void {
    this.#underWay.get(task)?.();
    this.#underWay.delete(task);
  }
}

function hex(uuid: Uint8Array | undefined): string {
  return Buffer.from(uuid ?? []).toString('hex');
}
