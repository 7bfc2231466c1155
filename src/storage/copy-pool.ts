import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import type { CopyJob, CopyResult } from './copy-file.ts';
import { LANES, type WorkerError, type WorkerReply, type WorkerRequest, type WorkerStart } from './copy-protocol.ts';
import type { TransferOptions } from './storage.ts';
import { Throttle } from './throttle.ts';

/** Copies and hashes files in threads of its own. One for the whole process. */
export interface CopyPool {
  /** Threads. Each works on up to two files, so asking for twice as many files at once keeps them busy. */
  readonly workers: number;
  /** The limit on the bytes that are read, of all files together. */
  readonly throttle: Throttle;
  /** Starts the threads already, so that the first files need not wait for them. */
  start(): void;
  /** Throws the system's error, or the signal's reason. */
  run(job: CopyJob, options?: TransferOptions): Promise<CopyResult>;
  /** Ends the threads. Work that is not done fails with ABORTED. */
  close(): Promise<void>;
}

/** A thread that has not stopped by then hangs in the system (a dead NFS server) and is given up. */
const GIVE_UP_MS = 5000;

/** Beside the sources it is a .ts, in dist a .js. */
const WORKER = new URL(`./copy-worker${extname(import.meta.url)}`, import.meta.url);

/** A thread keeps its data outside the JavaScript heap. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

interface Task {
  id: number;
  job: CopyJob;
  onBytes: ((bytes: number) => void) | undefined;
  /** Why it was stopped. */
  stopped?: unknown;
  /** Aborts when it is stopped or has ended: then it waits for no grant. */
  over: AbortController;
  settle(error: unknown, result?: CopyResult): void;
}

interface Thread {
  worker: Worker;
  /** For each lane the id of the job that is to stop. */
  stop: Int32Array;
  /** For each lane what it works on. */
  lanes: (Task | null)[];
}

export interface CopyPoolOptions {
  throttle?: Throttle;
  /** 0 to 19: how far the threads stand back (CPU, and with it most disk schedulers) behind a Cassandra that wants the same. Linux only. */
  niceness?: number;
}

/** Threads start with the first job, or with start(), and do not keep an idle process alive. */
export function createCopyPool(
  workers: number = Math.max(1, Math.min(2, availableParallelism())),
  { throttle = new Throttle(systemClock), niceness = 0 }: CopyPoolOptions = {},
): CopyPool {
  return new ThreadPool(workers, throttle, process.platform === 'linux' ? niceness : 0);
}

class ThreadPool implements CopyPool {
  readonly workers: number;
  readonly throttle: Throttle;
  readonly #niceness: number;
  #threads: Thread[] = [];
  #queue: Task[] = [];
  #unsettled = new Set<Task>();
  #onIdle = (): void => undefined;
  #lastId = 0;
  #closing: Promise<void> | null = null;

  constructor(workers: number, throttle: Throttle, niceness: number) {
    this.workers = workers;
    this.throttle = throttle;
    this.#niceness = niceness;
  }

  start(): void {
    while (!this.#closing && this.#threads.length < this.workers) this.#startThread();
  }

  async run(job: CopyJob, options: TransferOptions = {}): Promise<CopyResult> {
    const { signal, onBytes } = options;
    signal?.throwIfAborted();
    if (this.#closing) throw closedError();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#cancel(task, signal?.reason);
      const settle: Task['settle'] = (error, result) => {
        signal?.removeEventListener('abort', onAbort);
        task.over.abort();
        this.#unsettled.delete(task);
        if (result) resolve(result);
        else reject(task.stopped ?? error);
        if (this.#unsettled.size === 0) this.#onIdle();
      };
      const task: Task = { id: ++this.#lastId, job, onBytes, over: new AbortController(), settle };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#unsettled.add(task);
      this.#queue.push(task);
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    if (this.#unsettled.size > 0) {
      const idle = new Promise<void>((resolve) => (this.#onIdle = resolve));
      for (const task of this.#unsettled) this.#cancel(task, closedError());
      await idle;
    }
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const thread = this.#freeThread();
      if (!thread) return;
      const task = this.#queue.shift()!;
      const lane = thread.lanes.indexOf(null);
      thread.lanes[lane] = task;
      thread.worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      thread.worker.postMessage({ lane, id: task.id, job: task.job } satisfies WorkerRequest);
    }
  }

  /** An idle thread before one that has a free lane. */
  #freeThread(): Thread | undefined {
    const idle = this.#threads.find(isIdle);
    if (idle) return idle;
    if (this.#threads.length < this.workers) return this.#startThread();
    return this.#threads.find(({ lanes }) => lanes.includes(null));
  }

  #startThread(): Thread {
    const stop = new Int32Array(new SharedArrayBuffer(LANES * Int32Array.BYTES_PER_ELEMENT));
    const workerData: WorkerStart = { stop, limited: this.throttle.limited, niceness: this.#niceness };
    // Flags of this process, such as --input-type, are not for the thread.
    const worker = new Worker(WORKER, { workerData, name: 'copy', execArgv: [], resourceLimits: LIMITS });
    const thread: Thread = { worker, stop, lanes: Array<Task | null>(LANES).fill(null) };
    worker.on('message', (reply: WorkerReply) => this.#onReply(thread, reply));
    worker.on('error', (error) => this.#drop(thread, error));
    worker.on('exit', () => this.#drop(thread, new Error('the copying thread ended')));
    worker.unref();
    this.#threads.push(thread);
    return thread;
  }

  #onReply(thread: Thread, reply: WorkerReply): void {
    const task = thread.lanes[reply.lane];
    if (task?.id !== reply.id) return;
    if (reply.bytes > 0) task.onBytes?.(reply.bytes);
    if (reply.wanted !== undefined) void this.#grant(thread, reply.lane, task, reply.wanted);
    if (!reply.result && !reply.error) return;
    thread.lanes[reply.lane] = null;
    if (isIdle(thread)) thread.worker.unref();
    task.settle(reply.error && systemError(reply.error), reply.result);
    this.#next();
  }

  async #grant(thread: Thread, lane: number, { id, over }: Task, wanted: number): Promise<void> {
    const granted = await this.throttle.take(wanted, over.signal);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.worker.postMessage({ lane, id, granted } satisfies WorkerRequest);
  }

  #cancel(task: Task, reason: unknown): void {
    task.stopped = reason;
    const waiting = this.#queue.indexOf(task);
    if (waiting >= 0) {
      this.#queue.splice(waiting, 1);
      task.settle(reason);
      return;
    }
    const thread = this.#threads.find(({ lanes }) => lanes.includes(task));
    if (!thread) return; // it has just ended
    Atomics.store(thread.stop, thread.lanes.indexOf(task), task.id);
    task.over.abort();
    setTimeout(() => {
      if (thread.lanes.includes(task)) this.#drop(thread, reason);
    }, GIVE_UP_MS).unref();
  }

  /** Lets go of a thread that ended or hangs; its jobs fail, the others go on. */
  #drop(thread: Thread, error: unknown): void {
    const index = this.#threads.indexOf(thread);
    if (index < 0) return;
    this.#threads.splice(index, 1);
    thread.worker.unref();
    void thread.worker.terminate();
    for (const task of thread.lanes.splice(0)) task?.settle(error);
    this.#next();
  }
}

function isIdle({ lanes }: Thread): boolean {
  return lanes.every((task) => task === null);
}

function closedError(): OperatorError {
  return new OperatorError('ABORTED', 'the copy was stopped because the process ends');
}

function systemError({ message, ...fields }: WorkerError): Error {
  return Object.assign(new Error(message), fields);
}
