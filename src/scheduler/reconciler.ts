import { send, type SchedulerContext } from './context.ts';
import { knownTasks, Reconciliation } from './reconcile.ts';
import { operationId } from './reservation.ts';

/** How often it is looked whether something has to be asked about. */
const LOOK_MS = 1_000;

/** Asks the master about tasks whose news may have been lost. Its answers come as status updates. */
export class Reconciler {
  readonly #context: SchedulerContext;
  readonly #rules = new Reconciliation();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(context: SchedulerContext) {
    this.#context = context;
  }

  /** A new subscription: whatever happened meanwhile was told to nobody. */
  reset(): void {
    this.#rules.reset();
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** Tasks of these executors may end without word. */
  suspect(executorIds: string[]): void {
    this.#rules.suspect(executorIds);
  }

  async ask(): Promise<void> {
    const { state, jobs, clock, unsent } = this.#context;
    const now = clock.now();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const tasks = knownTasks(state.nodes.all(), jobs.running()).filter(({ taskId }) => !unsent?.has(taskId));
    if (!this.#rules.isEverythingDue(now)) {
      const due = this.#rules.due(tasks, now);
      if (due.length > 0) await this.#reconcile(due);
      return;
    }
    // Explicit: what became of the tasks that we know. Implicit: which tasks run that we do not know.
    const asked = (tasks.length === 0 || (await this.#reconcile(tasks))) && (await this.#reconcile([]));
    if (asked) this.#rules.everythingAsked(now);
    await this.#reconcileOperations();
  }

  /** What a node was promised and has not been seen to get. */
  async #reconcileOperations(): Promise<void> {
    const operations = this.#context.state.nodes.all().flatMap((node) => {
      if (node.agentId === null || node.reservation === null || node.reservation.made) return [];
      const agentId = { value: node.agentId };
      return (['reserve', 'create'] as const).map((name) => ({
        operationId: { value: operationId(node, name) },
        agentId,
      }));
    });
    if (operations.length > 0) {
      await send(this.#context, { type: 'RECONCILE_OPERATIONS', reconcileOperations: { operations } });
    }
  }

  #reconcile(tasks: ReturnType<typeof knownTasks>): Promise<boolean> {
    return send(this.#context, {
      type: 'RECONCILE',
      reconcile: {
        tasks: tasks.map(({ taskId, agentId }) => ({
          taskId: { value: taskId },
          ...(agentId === null ? {} : { agentId: { value: agentId } }),
        })),
      },
    });
  }
}
