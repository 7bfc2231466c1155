import type { ClusterJob } from '../model/cluster-job.ts';
import type { JobError } from '../model/step.ts';
import { endedKeyspaces, jobError, stepOf, stepsOf, truncateBegan } from './steps.ts';

/** Per node of an ended restore: the tables that were emptied and not loaded, and the way on. */
export function unloadedTables(job: ClusterJob): JobError[] {
  if (!truncateBegan(job)) return [];
  const surely = stepsOf(job, 'truncate').every(({ state }) => state === 'SUCCESS');
  const untouched = untouchedTables(job);
  return stepsOf(job, 'check').flatMap(({ executorId, report }) => {
    const tables = (report?.check?.tables ?? []).filter(
      (table) => !untouched(table) && !isLoaded(job, executorId, table),
    );
    if (tables.length === 0) return [];
    const message =
      `${surely ? 'Truncated' : 'Perhaps truncated'} and not loaded on this node: ${tables.join(', ')}. ` +
      `The staged files are kept: start the restore of ${job.backupName} again to complete it.`;
    return [jobError(job.aborted ? 'ABORTED' : 'LOAD_FAILED', message, { executorId })];
  });
}

/** Where the one and only attempt to truncate said how far it came, the rest is as it was. */
function untouchedTables(job: ClusterJob): (table: string) => boolean {
  const [step] = stepsOf(job, 'truncate');
  const hasWord = step?.state === 'FAILED' && step.attempt === 1 && !NO_WORD.has(step.error?.code ?? '');
  if (!hasWord || !step.report) return () => false;
  const { keyspaces, current } = step.report;
  const touched = Object.entries(keyspaces).flatMap(([keyspace, { tables }]) =>
    Object.keys(tables).map((table) => `${keyspace}.${table}`),
  );
  return (table) => table !== current && !touched.includes(table);
}

/** Ends that an executor had no say in. */
const NO_WORD = new Set(['TASK_LOST', 'ABORTED']);

function isLoaded(job: ClusterJob, executorId: string, name: string): boolean {
  const [keyspace = '', table = ''] = name.split('.', 2);
  const report = endedKeyspaces(stepOf(job, 'load', executorId)?.report ?? null).get(keyspace);
  if (!report || report.status === 'SUCCESS') return report !== undefined;
  // Only a failure that is one table's own says that the others named beside it are loaded.
  const isOneTables = Object.values(report.tables).some(({ error }) => error !== null);
  return isOneTables && Object.hasOwn(report.tables, table) && report.tables[table]?.error === null;
}
