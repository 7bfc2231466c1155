import { isStepFinal, type ClusterJob, type Step } from '../model/cluster-job.ts';
import type { JobType, PhaseName } from '../model/phase.ts';
import { isFinished } from './result.ts';
import { stepOf, stepsOf } from './steps.ts';

export interface Progress {
  /** 0 to 1, by bytes (by steps where nothing is copied); null while no node's size is known. Nodes of unknown size count as the average one. */
  progress: number | null;
  /** Null until every node's size is known. */
  bytesTotal: number | null;
  bytesDone: number;
}

/** 1 is for a job that has ended well. */
const ALMOST = 0.99;

/** The phase that moves or reads the bytes. */
const MOVING: Partial<Record<JobType, PhaseName>> = { BACKUP: 'backup', RESTORE: 'stage', VERIFY: 'inspect' };

/** How far a job is: by the bytes of the phase that moves them, copying or staging; where none are moved, by its steps. */
export function progressOf(job: ClusterJob): Progress {
  const moving = MOVING[job.type];
  if (moving === undefined) return { progress: stepProgress(job), bytesTotal: null, bytesDone: 0 };
  const steps = stepsOf(job, moving);
  const sizes = steps.map((step) => sizeOf(job, step));
  const known = sizes.filter((size) => size !== null);
  const sum = known.reduce((total, size) => total + size, 0);
  const bytesDone = steps.reduce((total, { report }) => total + (report?.bytesDone ?? 0), 0);
  const bytesTotal = known.length === sizes.length && known.length > 0 ? sum : null;
  if (isFinished(job) && job.result === 'SUCCESS') return { progress: 1, bytesTotal, bytesDone };
  if (sum === 0) return { progress: null, bytesTotal, bytesDone };
  const estimate = (sum / known.length) * sizes.length;
  return { progress: Math.min(bytesDone / estimate, ALMOST), bytesTotal, bytesDone };
}

function stepProgress({ phases, result }: ClusterJob): number {
  if (result === 'SUCCESS') return 1;
  const steps = phases.flatMap((phase) => phase.steps);
  return Math.min(steps.filter(isStepFinal).length / Math.max(steps.length, 1), ALMOST);
}

function sizeOf(job: ClusterJob, step: Step): number | null {
  const counted = step.report?.bytesTotal ?? stepOf(job, 'check', step.executorId)?.report?.check?.bytesNeeded;
  // A node that never told its size and will not: what it did is all that counts.
  return counted ?? (isStepFinal(step) ? (step.report?.bytesDone ?? 0) : null);
}
