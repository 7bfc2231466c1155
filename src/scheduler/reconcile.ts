import { isStepActive, type ClusterJob } from '../model/cluster-job.ts';
import type { ClusterNode, ServerState } from '../model/node.ts';
import { mayHaveLeftovers } from './leaving.ts';
import { serverTaskId } from './node-lifecycle.ts';

/** A task in a passing state is asked about after this long, then after twice as long … */
const FIRST_MS = 10_000;
/** … up to this. */
const LONGEST_MS = 5 * 60_000;
/** Everything is asked about that often: what the master says by itself is said once, and may be lost. */
const EVERYTHING_MS = 5 * 60_000;

/** A task that the state counts on, or whose fate says what it needs to know. */
export interface KnownTask {
  taskId: string;
  executorId: string;
  agentId: string | null;
  /** Something else is to follow soon; when it does not, its news were lost. */
  isPassing: boolean;
}

const PASSING = new Set<ServerState>(['LAUNCHING', 'KILLING', 'UNREACHABLE']);

export function knownTasks(nodes: ClusterNode[], job: ClusterJob | null): KnownTask[] {
  const agents = new Map(nodes.map(({ executorId, agentId }) => [executorId, agentId]));
  const servers = nodes.flatMap((node): KnownTask[] => {
    const { executorId, agentId, serverState } = node;
    // What is said of its last server tells whether that lives on, or its agent is gone for good.
    const taskId = node.serverTaskId ?? (mayHaveLeftovers(node) ? serverTaskId(node) : null);
    const isPassing = node.serverTaskId === null || PASSING.has(serverState);
    return taskId === null ? [] : [{ taskId, executorId, agentId, isPassing }];
  });
  const steps = (job?.phases ?? []).flatMap(({ steps: all }) =>
    all.filter(isStepActive).flatMap(({ taskId, executorId, state, killSince }): KnownTask[] => {
      const isPassing = state === 'LAUNCHING' || killSince !== null;
      return taskId === null ? [] : [{ taskId, executorId, agentId: agents.get(executorId) ?? null, isPassing }];
    }),
  );
  return [...servers, ...steps];
}

/** Remembers how long each task has been in a passing state, and when it was asked about. */
export class Reconciliation {
  readonly #asked = new Map<string, { at: number; waitMs: number }>();
  readonly #suspects = new Set<string>();
  #everythingAt = Number.NEGATIVE_INFINITY;

  /** Tasks of these executors may have ended without word: to be asked about soon. */
  suspect(executorIds: string[]): void {
    for (const executorId of executorIds) this.#suspects.add(executorId);
  }

  /** True when everything is to be asked about, also which tasks run that nobody knows. */
  isEverythingDue(now: number): boolean {
    return now - this.#everythingAt >= EVERYTHING_MS;
  }

  everythingAsked(now: number): void {
    this.#everythingAt = now;
  }

  /** A new subscription: everything is to be asked about at once. */
  reset(): void {
    this.#everythingAt = Number.NEGATIVE_INFINITY;
    this.#asked.clear();
    this.#suspects.clear();
  }

  /** The tasks to ask about now. */
  due(tasks: KnownTask[], now: number): KnownTask[] {
    const watched = tasks.filter(({ executorId, isPassing }) => isPassing || this.#suspects.has(executorId));
    const ids = new Set(watched.map(({ taskId }) => taskId));
    for (const taskId of this.#asked.keys()) if (!ids.has(taskId)) this.#asked.delete(taskId);
    return watched.filter((task) => this.#isDue(task, now));
  }

  #isDue({ taskId, executorId, isPassing }: KnownTask, now: number): boolean {
    const last = this.#asked.get(taskId);
    if (last === undefined) {
      this.#asked.set(taskId, { at: now, waitMs: FIRST_MS });
      return false;
    }
    if (now - last.at < last.waitMs) return false;
    this.#asked.set(taskId, { at: now, waitMs: Math.min(LONGEST_MS, last.waitMs * 2) });
    // A suspect in a steady state has had its question.
    if (!isPassing) this.#suspects.delete(executorId);
    return true;
  }
}
