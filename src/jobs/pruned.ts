import type { ClusterJob } from '../model/cluster-job.ts';
import type { PruneReport } from '../model/step.ts';
import { stepsOf } from './steps.ts';

/** What the nodes that are through have done. */
function prunings(job: Pick<ClusterJob, 'phases'>): PruneReport[] {
  return stepsOf(job, 'prune').flatMap(({ report }) => report?.prune ?? []);
}

/** Backups that are gone wherever a node looked. */
export function prunedOf(job: Pick<ClusterJob, 'phases'>): { deleted: string[]; kept: PruneReport['kept'] } {
  const all = prunings(job);
  const kept = new Map(all.flatMap((report) => report.kept.map((entry) => [entry.name, entry] as const)));
  const deleted = new Set(all.flatMap((report) => report.deleted).filter((name) => !kept.has(name)));
  return { deleted: [...deleted], kept: [...kept.values()] };
}
