import type { ClusterJob, Step } from '../model/cluster-job.ts';
import { isNodeReady, type ClusterNode } from '../model/node.ts';
import type { JobError } from '../model/step.ts';
import type { Limits } from './limits.ts';
import { turns } from './next-steps.ts';
import { othersNeeded, type Ring } from './readiness.ts';
import { stragglersOf } from './preflight.ts';
import { changePhase, jobError } from './steps.ts';

/**
 * Steps of a phase that cannot be done, or not in time, fail with what is known of their node; the others get
 * the beginning of their turn noted. They are not tried again: waiting was the trying.
 */
export function failWaitingSteps(
  job: ClusterJob,
  phaseIndex: number,
  ring: Ring,
  now: number,
  limits: Limits,
): ClusterJob {
  const phase = job.phases[phaseIndex];
  if (!phase) return job;
  const others = othersNeeded(job, phase, ring);
  const lost = others.map((id) => hopeless(id, ring)).find((error) => error !== null) ?? null;
  const hopeful = changePhase(phase, ({ state, executorId }) => {
    const error = state === 'PENDING' ? (lost ?? hopeless(executorId, ring)) : null;
    return error && failed({ ...error, executorId }, now);
  });
  const { launchable, waiting } = turns(job, hopeful, ring, now);
  const due = new Set([...launchable, ...waiting]);
  const othersDown = others.filter((id) => !isUp(ring.get(id)));
  const patienceMs = phase.name === 'cleanup' ? limits.cleanupMs : limits.nodeReadyMs;
  const notReady = new Set(waiting);
  const stragglers = stragglersOf(hopeful, ({ waitingSince }, index) => {
    return notReady.has(index) || (waitingSince !== null && now - waitingSince >= limits.cleanupMs);
  });
  const after = changePhase(hopeful, ({ waitingSince, executorId }, index) => {
    if (!due.has(index)) return null;
    if (stragglers === 'SKIPPED') return { state: 'SKIPPED', finished: now, waitingSince: null };
    const since = waitingSince ?? now;
    if (stragglers === null && now - since < patienceMs) return waitingSince === null ? { waitingSince: now } : null;
    return failed(tooLate(executorId, [executorId, ...othersDown], ring, since, now), now);
  });
  return after === phase ? job : { ...job, phases: job.phases.with(phaseIndex, after) };
}

function failed(error: JobError, now: number): Partial<Step> {
  return { state: 'FAILED', finished: now, waitingSince: null, error };
}

/** Why a step that needs the node cannot be done however long it waits; null when there is hope. */
function hopeless(id: string, ring: Ring): JobError | null {
  const node = ring.get(id);
  if (!node || node.targetRunState === 'TERMINATE') {
    return jobError('NODE_DOWN', `${id} is not part of the cluster any more`);
  }
  return node.targetRunState === 'STOP' ? jobError('NODE_STOPPED', `${id} was stopped by the operator`) : null;
}

/** More names than that do not help whoever reads them. */
const NAMED = 5;

function isUp(node: ClusterNode | undefined): boolean {
  return node !== undefined && isNodeReady(node);
}

function tooLate(executorId: string, needed: string[], ring: Ring, since: number, now: number): JobError {
  const waited = `Waited ${seconds(now - since)}`;
  const down = [...new Set(needed)].flatMap((id) => ring.get(id) ?? []).filter((node) => !isUp(node));
  if (down.length === 0) {
    return jobError('TIMEOUT', `${waited} for an offer of the node's agent with room for the task`, { executorId });
  }
  const told = down.slice(0, NAMED).map((node) => describe(node, now));
  const reasons = [...told, ...(down.length > NAMED ? [`and ${down.length - NAMED} more`] : [])].join('; ');
  return jobError('NODE_DOWN', `${waited} for the node to be ready: ${reasons}`, { executorId });
}

/** What is known of a node that is not ready. */
export function describe(node: ClusterNode, now: number): string {
  const { executorId, serverState, lastError, health, healthAt } = node;
  const said =
    health && healthAt !== null
      ? `Cassandra said ${health.operationMode} ${seconds(now - healthAt)} ago`
      : 'Cassandra was never heard of';
  return `${executorId} has server state ${serverState}, ${said}${lastError === null ? '' : `, last error: ${lastError}`}`;
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
