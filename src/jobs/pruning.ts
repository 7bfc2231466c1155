import type { ClusterJob } from '../model/cluster-job.ts';
import type { GivenCredentials } from '../model/credentials.ts';
import type { RetentionPolicy } from '../model/retention.ts';
import type { BackupCatalogue } from './backup-catalogue.ts';
import type { BackupJson } from './backup-json.ts';
import type { ClusterJobs } from './cluster-jobs.ts';
import { planRetention } from './retention.ts';

/** What a policy means for the backups of a location. */
export interface PruningPlan {
  keep: { name: string; reasons: string[] }[];
  delete: BackupJson[];
}

export interface PruningDeps {
  backups: Pick<BackupCatalogue, 'listAt'>;
  jobs: Pick<ClusterJobs, 'start'>;
  now: () => number;
}

/** Of which backups a policy speaks. */
export interface PruningScope {
  /** Left out: the scheduler's own. */
  location?: string | undefined;
  /** To look there, and to delete. */
  credentials?: GivenCredentials | undefined;
  /** Of all others nothing is said, and nothing done to them. Left out: all. */
  isMeant?: (name: string) => boolean;
}

/** Looks, and changes nothing. */
export async function planPruning(
  { backups, now }: Pick<PruningDeps, 'backups' | 'now'>,
  policy: RetentionPolicy,
  { location, credentials, isMeant = () => true }: PruningScope,
): Promise<PruningPlan> {
  const all = (await backups.listAt(location, credentials)).filter(({ name }) => isMeant(name));
  const byName = new Map(all.map((backup) => [backup.name, backup]));
  const plan = planRetention(all, policy, now());
  return { keep: plan.keep, delete: plan.delete.flatMap((name) => byName.get(name) ?? []) };
}

/** Starts the job that deletes what the policy lets go; null when that is nothing. Throws as ClusterJobs.start does. */
export async function startPruning(
  deps: PruningDeps,
  policy: RetentionPolicy,
  { schedule, ...scope }: PruningScope & { schedule?: string },
): Promise<{ plan: PruningPlan; job: ClusterJob | null }> {
  const plan = await planPruning(deps, policy, scope);
  if (plan.delete.length === 0) return { plan, job: null };
  const names = plan.delete.map(({ name }) => name);
  const { location, credentials } = scope;
  return { plan, job: await deps.jobs.start('PRUNE', { names, location, credentials, schedule }) };
}
