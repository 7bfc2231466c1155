import type { ClusterJob } from '../model/cluster-job.ts';
import type { SweepReport } from '../model/step.ts';
import { stepsOf } from './steps.ts';

export interface SweptJson extends SweepReport {
  dryRun: boolean;
}

/** What was found on all nodes, and deleted unless it was a dry run. Nodes that share a location have it from the first. */
export function sweptOf(job: Pick<ClusterJob, 'phases' | 'parameters'>): SweptJson {
  const reports = stepsOf(job, 'sweep').flatMap(({ report }) => report?.sweep ?? []);
  return {
    dryRun: job.parameters.dryRun ?? false,
    files: reports.reduce((sum, { files }) => sum + files, 0),
    bytes: reports.reduce((sum, { bytes }) => sum + bytes, 0),
    backups: [...new Set(reports.flatMap(({ backups }) => backups))],
    found: reports.flatMap(({ found }) => found),
  };
}
