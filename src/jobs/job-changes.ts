import type { ClusterJob } from '../model/cluster-job.ts';

/** Told of a job that was stored anew; `before` is null for a new one. Must not throw. */
export type JobListener = (after: ClusterJob, before: ClusterJob | null) => void;

/**
 * Tells listeners what became of jobs. They hear of it right after the transaction that stored it, so never of what was
 * rolled back, and of several changes in one transaction as one.
 */
export class JobChanges {
  readonly #read: (id: number) => ClusterJob | null;
  readonly #listeners = new Set<JobListener>();
  /** As they were before the first change that was not told yet. */
  readonly #untold = new Map<number, ClusterJob | null>();

  constructor(read: (id: number) => ClusterJob | null) {
    this.#read = read;
  }

  /** Returns how to listen no more. */
  listen(listener: JobListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** To be called within the transaction that changes a job. */
  changed(id: number, before: ClusterJob | null): void {
    if (this.#listeners.size === 0 || this.#untold.has(id)) return;
    // Transactions are synchronous: when a microtask runs, this one has ended.
    if (this.#untold.size === 0) queueMicrotask(() => this.#tell());
    this.#untold.set(id, before);
  }

  #tell(): void {
    const untold = [...this.#untold];
    this.#untold.clear();
    for (const [id, before] of untold) {
      const after = this.#read(id);
      if (after === null || after === before) continue;
      for (const listener of this.#listeners) listener(after, before);
    }
  }
}
