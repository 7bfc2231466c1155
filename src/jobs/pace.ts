import { OperatorError } from '../errors.ts';
import { isStepActive, type ClusterJob, type JobParameters, type Phase } from '../model/cluster-job.ts';
import type { JobType, PhaseName } from '../model/phase.ts';
import { LEAST_BANDWIDTH } from '../model/pace.ts';
import { stepAt, type StepRef } from './steps.ts';

/** Phases that copy. Their jobs take a limit. */
const COPYING: Partial<Record<JobType, PhaseName>> = { BACKUP: 'backup', RESTORE: 'stage' };

/** True for jobs that copy, and can be limited. */
export function isCopying(type: JobType): boolean {
  return COPYING[type] !== undefined;
}

/** What may be said anew of a running job: bytes per second, null for no limit, left out for what is in force. */
export interface PaceChange {
  bandwidth?: number | null | undefined;
  clusterBandwidth?: number | null | undefined;
}

/** The job with other limits. Throws BAD_REQUEST for jobs that copy nothing, JOB_ENDED for one that has. */
export function withPace(job: ClusterJob, change: PaceChange): ClusterJob {
  if (!isCopying(job.type)) {
    throw new OperatorError('BAD_REQUEST', `Expected a backup or a restore to limit, job ${job.id} is a ${job.type}`);
  }
  if (job.finished !== null) {
    throw new OperatorError('JOB_ENDED', `Job ${job.id} has ended: only a running job can be limited`, {
      hint: 'Say bandwidth or clusterBandwidth when the next one is started.',
    });
  }
  const { bandwidth: _, clusterBandwidth: __, ...others } = job.parameters;
  return { ...job, parameters: { ...others, ...limitsOf(job.parameters, change) } };
}

function limitsOf(before: JobParameters, change: PaceChange): Pick<JobParameters, 'bandwidth' | 'clusterBandwidth'> {
  const limits = (['bandwidth', 'clusterBandwidth'] as const).flatMap((name) => {
    const rate = change[name] === undefined ? before[name] : change[name];
    return rate === undefined || rate === null ? [] : [[name, rate]];
  });
  return Object.fromEntries(limits);
}

/** Bytes per second that a step may move: its own limit, or its part of that of the cluster. Null for no limit. */
export function bandwidthOf(job: ClusterJob, { phaseIndex, stepIndex }: StepRef): number | null {
  const { bandwidth = null, clusterBandwidth = null } = job.parameters;
  const phase = job.phases[phaseIndex];
  if (!phase || phase.name !== COPYING[job.type]) return null;
  if (clusterBandwidth === null) return bandwidth;
  const isAtWork = isStepActive(stepAt(job, { phaseIndex, stepIndex }));
  const share = shareOf(clusterBandwidth, atWork(phase) + (isAtWork ? 0 : 1));
  return Math.min(bandwidth ?? share, share);
}

function atWork({ steps }: Phase): number {
  return steps.filter(isStepActive).length;
}

function shareOf(clusterBandwidth: number, nodes: number): number {
  return Math.max(Math.floor(clusterBandwidth / nodes), LEAST_BANDWIDTH);
}

/** A step that is to be told how fast it may go on. */
export interface Pacing {
  taskId: string;
  executorId: string;
  bandwidth: number | null;
}

/** The steps at work that go by another limit than they should, as their last report says. */
export function stepsToPace(job: ClusterJob): Pacing[] {
  const phaseIndex = job.phases.findIndex(({ finished }) => finished === null);
  const phase = job.phases[phaseIndex];
  if (!phase || phase.name !== COPYING[job.type]) return [];
  const [first] = phase.steps.flatMap((step, stepIndex) => (isStepActive(step) ? [stepIndex] : []));
  if (first === undefined) return [];
  // The same for all that are at work.
  const bandwidth = bandwidthOf(job, { phaseIndex, stepIndex: first });
  return phase.steps.flatMap(({ state, taskId, executorId, report }) => {
    const isHeard = state === 'RUNNING' && taskId !== null && report !== null;
    return isHeard && differs(report.bandwidth ?? null, bandwidth) ? [{ taskId, executorId, bandwidth }] : [];
  });
}

/** With many nodes each one that begins or ends moves the share of all a little: not worth a message to all of them. */
const WORTH_TELLING = 0.02;

function differs(inForce: number | null, wanted: number | null): boolean {
  if (inForce === null || wanted === null) return inForce !== wanted;
  return Math.abs(inForce - wanted) > WORTH_TELLING * wanted;
}
