import { isStepActive, isStepFinal, type ClusterJob, type Step } from '../model/cluster-job.ts';
import type { JobType, PhaseName } from '../model/phase.ts';
import { etaOf, rateOf } from './rate.ts';
import { isFinished } from './result.ts';
import { stepOf, stepsOf } from './steps.ts';

export interface Progress {
  /** 0 to 1, by bytes (by steps where nothing is copied); null while no node's size is known. Nodes of unknown size count as the average one. */
  progress: number | null;
  /** Null until every node's size is known. */
  bytesTotal: number | null;
  bytesDone: number;
  /** As the bytes. */
  filesTotal: number | null;
  filesDone: number;
  /** Bytes per second of all nodes at work, over the last seconds; null when unknown. */
  rate: number | null;
  /** Milliseconds that the rest will take at that rate; null when unknown. */
  eta: number | null;
}

/** 1 is for a job that has ended well. */
const ALMOST = 0.99;

/** The phase that moves or reads the bytes. */
export const MOVING: Partial<Record<JobType, PhaseName>> = {
  BACKUP: 'backup',
  ADOPT: 'backup',
  RESTORE: 'stage',
  VERIFY: 'inspect',
};

/** How far a job is: by the bytes of the phase that moves them, copying or staging; where none are moved, by its steps. */
export function progressOf(job: ClusterJob): Progress {
  const moving = MOVING[job.type];
  if (moving === undefined) return { ...NOTHING_MOVED, progress: stepProgress(job) };
  const steps = stepsOf(job, moving);
  const sizes = steps.map((step) => sizeOf(job, step));
  const known = sizes.filter((size) => size !== null);
  const sum = known.reduce((total, size) => total + size, 0);
  const bytesDone = steps.reduce((total, { report }) => total + (report?.bytesDone ?? 0), 0);
  const bytesTotal = known.length === sizes.length && known.length > 0 ? sum : null;
  const counts = { bytesTotal, bytesDone, ...paceOf(steps), eta: null };
  if (isFinished(job) && job.result === 'SUCCESS') return { progress: 1, ...counts };
  if (sum === 0) return { progress: null, ...counts };
  const estimate = (sum / known.length) * sizes.length;
  const eta = etaOf(estimate - bytesDone, counts.rate);
  return { progress: Math.min(bytesDone / estimate, ALMOST), ...counts, eta };
}

const NOTHING_MOVED = { bytesTotal: null, bytesDone: 0, filesTotal: null, filesDone: 0, rate: null, eta: null };

/** In one go: a big ring is asked for it all the time. */
function paceOf(steps: Step[]): Pick<Progress, 'filesTotal' | 'filesDone' | 'rate'> {
  let [filesDone, filesTotal, rate]: [number, number | null, number | null] = [0, 0, null];
  for (const step of steps) {
    const files = step.report?.filesTotal ?? null;
    filesTotal = filesTotal === null || files === null ? null : filesTotal + files;
    filesDone += step.report?.filesDone ?? 0;
    if (!isStepActive(step)) continue;
    const own = rateOf(step);
    if (own !== null) rate = (rate ?? 0) + own;
  }
  return { filesTotal, filesDone, rate };
}

/** How far one node is with what is moved, and how fast. */
export interface NodeProgress extends Omit<Progress, 'progress'> {
  /** The limit in bytes per second that it goes by; null for none. */
  bandwidth: number | null;
  /** File or table at work. */
  current: string | null;
}

export function nodeProgress(step: Step): NodeProgress {
  const { bytesTotal = null, bytesDone = 0, filesTotal = null, filesDone = 0 } = step.report ?? {};
  const rate = rateOf(step);
  const eta = bytesTotal === null ? null : etaOf(bytesTotal - bytesDone, rate);
  const { bandwidth = null, current = null } = isStepActive(step) && step.report !== null ? step.report : {};
  return { bytesTotal, bytesDone, filesTotal, filesDone, rate, eta, bandwidth, current };
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
