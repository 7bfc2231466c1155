import type { ClusterJob } from '../model/cluster-job.ts';
import type { JobError, RenameReport } from '../model/step.ts';
import type { BackupStore } from '../state/backups.ts';
import { jobError, stepsOf } from './steps.ts';

/** What was renamed, or would be, on all nodes together. */
export interface RenamedJson extends RenameReport {
  from: string;
  to: string;
  dryRun: boolean;
}

export function renamedOf({ parameters, ...job }: Pick<ClusterJob, 'phases' | 'parameters'>): RenamedJson {
  const reports = stepsOf(job, 'rename').flatMap(({ report }) => report?.rename ?? []);
  const { from = '', to = '', dryRun = false } = parameters;
  return {
    from,
    to,
    dryRun,
    backups: [...new Set(reports.flatMap(({ backups }) => backups))].toSorted(),
    files: reports.reduce((sum, { files }) => sum + files, 0),
    bytes: reports.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** What an operator has to know of a renaming whose steps have ended. */
export function renamingErrors(job: ClusterJob): JobError[] {
  const steps = stepsOf(job, 'rename');
  // An attempt that was lost may have done it.
  const isSure = steps.every(({ state, attempt }) => state === 'SUCCESS' && attempt === 1);
  const { from, backups } = renamedOf(job);
  if (!isSure || backups.length > 0) return [];
  const { names } = job.parameters;
  const what = names === undefined ? 'a backup' : `a backup ${names.join(', ')}`;
  return [jobError('BACKUP_NOT_FOUND', `No node found ${what} of ${from} at ${job.location}`)];
}

/** Notes in the catalogue under which executor ids backups lie now. */
export function rememberRenaming(backups: BackupStore, job: ClusterJob): void {
  const { from, to, dryRun, backups: names } = renamedOf(job);
  for (const name of dryRun ? [] : names) {
    const entry = backups.find(job.location ?? '', name);
    if (!entry?.summary) continue;
    const nodes = entry.summary.nodes.map((executorId) => (executorId === from ? to : executorId));
    backups.save({ ...entry, summary: { ...entry.summary, nodes } });
  }
}
