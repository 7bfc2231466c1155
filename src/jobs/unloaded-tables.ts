import type { ClusterJob } from '../model/cluster-job.ts';
import type { JobError } from '../model/step.ts';
import { jobError, stepOf, stepsOf, truncateBegan } from './steps.ts';

/** Per node of an ended restore: the tables that were emptied and not loaded, and the way on. */
export function unloadedTables(job: ClusterJob): JobError[] {
  if (!truncateBegan(job)) return [];
  const surely = stepsOf(job, 'truncate').every(({ state }) => state === 'SUCCESS');
  return stepsOf(job, 'check').flatMap(({ executorId, report }) => {
    const tables = (report?.check?.tables ?? []).filter((table) => !isLoaded(job, executorId, table));
    if (tables.length === 0) return [];
    const message =
      `${surely ? 'Truncated' : 'Perhaps truncated'} and not loaded on this node: ${tables.join(', ')}. ` +
      `The staged files are kept: start the restore of ${job.backupName} again to complete it.`;
    return [jobError(job.aborted ? 'ABORTED' : 'LOAD_FAILED', message, { executorId })];
  });
}

function isLoaded(job: ClusterJob, executorId: string, name: string): boolean {
  const [keyspace = '', table = ''] = name.split('.', 2);
  const report = stepOf(job, 'load', executorId)?.report?.keyspaces[keyspace];
  if (report?.status === 'SUCCESS') return true;
  const loaded = report?.tables[table];
  return loaded !== undefined && loaded.error === null;
}
