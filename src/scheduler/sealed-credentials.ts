import { needsGiven } from '../jobs/request-credentials.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import { sealedFor } from '../model/credentials.ts';
import type { StepRequest } from '../model/step.ts';
import { seal } from '../sealed.ts';
import type { SchedulerContext } from './context.ts';
import type { StepLaunch } from './match-offer.ts';

/**
 * What came with the job's request, for this task on its node's executor alone: agents write tasks down, and masters show them. Nothing for a step
 * that needs none; one that could not be given them is no need, see needs.ts.
 */
export function sealedCredentials(
  { jobs }: Pick<SchedulerContext, 'jobs'>,
  job: ClusterJob,
  { phaseIndex, node }: StepLaunch['need'],
  taskId: string,
): Pick<StepRequest, 'sealedCredentials'> {
  const phase = job.phases[phaseIndex];
  const given = jobs.credentialsOf(job.id);
  const key = node.health?.sealingKey;
  if (!phase || !needsGiven(job, phase)) return {};
  if (given === null || key === undefined) throw new Error('a step without its credentials is not to be launched');
  return { sealedCredentials: seal(JSON.stringify(given), key, sealedFor(taskId, job.location ?? '')) };
}
