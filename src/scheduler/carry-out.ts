import { isDeepStrictEqual } from 'node:util';
import { stepsToKill, type Limits } from '../jobs/advance.ts';
import { onKillLost } from '../jobs/step-updates.ts';
import { decodeExecutorInfo, encodeExecutorInfo } from '../mesos/messages.ts';
import type { Offer } from '../mesos/types.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { ClusterNode } from '../model/node.ts';
import { send, type SchedulerContext } from './context.ts';
import { hasNoExecutor, isStray, mustShutDown, settled } from './leaving.ts';
import { mustStop } from './node-lifecycle.ts';
import { knownTasks } from './reconcile.ts';
import { Repeats } from './repeats.ts';
import { executorInfoOf } from './task-info.ts';

/** Any call may be lost on its way. */
const REPEAT_MS = 10_000;

/** Makes end what must end: tasks, executors, and nodes of which nothing is left. */
export class CarryOut {
  readonly #context: SchedulerContext;
  readonly #kills = new Repeats(REPEAT_MS);
  readonly #shutdowns = new Repeats(REPEAT_MS);

  constructor(context: SchedulerContext) {
    this.#context = context;
  }

  /** Stores what follows from servers and executors having ended. */
  settleNodes(): void {
    const { state, log, settings } = this.#context;
    for (const node of state.nodes.all()) {
      const after = settled(node, this.#isOutdated);
      if (after === node) continue;
      if (after !== null) {
        state.nodes.save(after);
        continue;
      }
      state.nodes.delete(node.executorId);
      const { executorId, hostname } = node;
      const left = settings.role === '*' && hostname !== null ? settings.dataDirectories : [];
      log.info(
        { node: executorId },
        'node forgotten: nothing of it runs any more, and all that it had reserved is free',
      );
      if (left.length > 0) {
        log.warn({ node: executorId, hostname, directories: left }, 'its data stay on that host: delete them by hand');
      }
    }
  }

  /** KILL and SHUTDOWN, again every so often: either may be lost. */
  async endWhatMustEnd(): Promise<void> {
    const { jobs, state, clock, limits, unsent } = this.#context;
    const now = clock.now();
    const nodes = state.nodes.all();
    const doomed = tasksToKill(nodes, jobs.running(), now, limits).filter(({ key }) => !unsent?.has(key));
    for (const { key, agentId } of this.#kills.due(doomed, now)) {
      const isSent = await send(this.#context, {
        type: 'KILL',
        kill: { taskId: { value: key }, ...(agentId === null ? {} : { agentId: { value: agentId } }) },
      });
      if (!isSent) this.#killLost(key);
    }
    const leaving = nodes.filter((node) => mustShutDown(node, this.#isOutdated));
    const targets = leaving.map(({ executorId, agentId }) => ({ key: executorId, agentId }));
    for (const { key, agentId } of this.#shutdowns.due(targets, now)) {
      if (agentId !== null) await this.#shutDown(key, agentId);
    }
  }

  #killLost(taskId: string): void {
    const { jobs } = this.#context;
    this.#kills.forget(taskId);
    const job = jobs.running();
    if (job) jobs.update(job.id, (current) => onKillLost(current, taskId));
  }

  /** True while some executor is to end: then an offer that does not name it says that it has. */
  waitsForExecutors(): string[] {
    return this.#context.state.nodes
      .all()
      .filter((node) => mustShutDown(node, this.#isOutdated))
      .map(({ executorId }) => executorId);
  }

  /** Only where that was waited for: elsewhere a task that was launched at the same time may have started another one. */
  executorEnded(node: ClusterNode): void {
    if (mustShutDown(node, this.#isOutdated)) this.#context.state.nodes.save({ ...node, executorInfo: null });
  }

  /** What the offers say of executors: which have ended, and which are left over. */
  async settleExecutors(offers: Offer[]): Promise<void> {
    const { state, log } = this.#context;
    for (const offer of offers) {
      const agentId = offer.agentId.value;
      for (const { value: executorId } of offer.executorIds) {
        if (!isStray(state.nodes.get(executorId), agentId)) continue;
        log.warn({ node: executorId, host: offer.hostname }, 'executor is not ours any more, shutting it down');
        await this.#shutDown(executorId, agentId);
      }
    }
    const byAgent = new Map(offers.map((offer) => [offer.agentId.value, offer]));
    for (const node of state.nodes.all()) {
      const offer = node.agentId === null ? undefined : byAgent.get(node.agentId);
      if (offer && hasNoExecutor(node, offer)) state.nodes.save({ ...node, executorInfo: null });
    }
  }

  async #shutDown(executorId: string, agentId: string): Promise<void> {
    await send(this.#context, {
      type: 'SHUTDOWN',
      shutdown: { executorId: { value: executorId }, agentId: { value: agentId } },
    });
  }

  /** True when the node's executor would be started in another way now: a new bundle, or a scheduler that moved. */
  readonly #isOutdated = (node: ClusterNode): boolean => {
    if (node.executorInfo === null) return false;
    const before = decodeExecutorInfo(node.executorInfo);
    const after = executorInfoOf({ ...node, executorInfo: null }, '', this.#context.settings, []);
    // As they are on the wire: what is left out and what is empty are the same there.
    return !isDeepStrictEqual(before.command, decodeExecutorInfo(encodeExecutorInfo(after)).command);
  };
}

interface Target {
  /** Id of the task or of the executor. */
  key: string;
  agentId: string | null;
}

function tasksToKill(nodes: ClusterNode[], job: ClusterJob | null, now: number, limits: Limits): Target[] {
  const servers = nodes.flatMap((node): Target[] =>
    mustStop(node) && node.serverTaskId !== null ? [{ key: node.serverTaskId, agentId: node.agentId }] : [],
  );
  const doomed = new Set(job === null ? [] : stepsToKill(job, now, limits));
  if (doomed.size === 0) return servers;
  // With its agent the master can say at once that it knows nothing of a task.
  const steps = knownTasks(nodes, job).filter(({ taskId }) => doomed.has(taskId));
  return [...steps.map(({ taskId, agentId }) => ({ key: taskId, agentId })), ...servers];
}
