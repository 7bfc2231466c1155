import { needsGiven } from '../jobs/request-credentials.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import { sealedFor } from '../model/credentials.ts';
import type { StepRequest } from '../model/step.ts';
import { seal } from '../sealed.ts';
import type { SchedulerContext } from './context.ts';
import type { StepLaunch } from './match-offer.ts';

/**
 * What came with the job's request, for this task on its node's executor alone: agents write tasks down, and masters show them. Nothing where nothing
 * came, or is not needed any more; a step that needs it and cannot be given it is no need, see needs.ts.
 */
export function sealedCredentials(
  { jobs, log }: Pick<SchedulerContext, 'jobs' | 'log'>,
  job: ClusterJob,
  { phaseIndex, node }: StepLaunch['need'],
  taskId: string,
): Pick<StepRequest, 'sealedCredentials'> {
  const phase = job.phases[phaseIndex];
  const given = jobs.credentialsOf(job.id);
  const key = node.health?.sealingKey;
  if (given !== null && key !== undefined) {
    try {
      return { sealedCredentials: seal(JSON.stringify(given), key, sealedFor(taskId, job.location ?? '')) };
    } catch (error) {
      // What an executor says must not end the scheduler. It refuses what it cannot open.
      log.warn({ node: node.executorId, err: error }, 'the executor told a key that nothing can be sealed for');
      return { sealedCredentials: '' };
    }
  }
  if (phase && needsGiven(job, phase)) throw new Error('a step without its credentials is not to be launched');
  return {};
}
