import { OperatorError } from '../errors.ts';
import type { ClusterJobs } from '../jobs/cluster-jobs.ts';
import type { ClusterJob } from '../model/cluster-job.ts';

/** The job of that number, as it stands in a path. Throws NOT_FOUND. */
export function findJob(jobs: Pick<ClusterJobs, 'get'>, id: string): ClusterJob {
  const job = /^\d{1,15}$/.test(id) ? jobs.get(Number(id)) : null;
  if (job !== null) return job;
  throw new OperatorError('NOT_FOUND', `Expected the number of a cluster job, got ${JSON.stringify(id)}`, {
    hint: 'GET /cluster/jobs lists them.',
  });
}
