import { hash } from 'node:crypto';
import type { DamagedFile, Verification } from '../model/backup.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import { isNodeReady, type ClusterNode } from '../model/node.ts';
import type { InspectionReport, Inspector, JobError } from '../model/step.ts';
import { jobError, stepsOf } from './steps.ts';

/** The nodes as they are told to each other, so that all agree on who inspects what. */
export function inspectorsOf(nodes: ClusterNode[]): Inspector[] {
  return nodes.map((node) => ({
    executorId: node.executorId,
    hostId: node.health?.hostId ?? node.hostId,
    tokens: node.health?.tokens ?? [],
    ready: isNodeReady(node),
  }));
}

/** What the nodes that are through have found. */
export function inspections(job: Pick<ClusterJob, 'phases'>): InspectionReport[] {
  return stepsOf(job, 'inspect').flatMap(({ state, report }) =>
    state === 'SUCCESS' && report?.inspection ? [report.inspection] : [],
  );
}

/** Damage in documents of the whole backup is found by every node, and named once. */
export function damagedOf(job: Pick<ClusterJob, 'phases'>): DamagedFile[] {
  const all = inspections(job).flatMap(({ damaged }) => damaged);
  return [...new Map(all.map((file) => [JSON.stringify(file), file])).values()];
}

export function extraOf(job: Pick<ClusterJob, 'phases'>): InspectionReport['extra'] {
  return inspections(job).flatMap(({ extra }) => extra);
}

/**
 * Whether what was found is to be kept at the location: a damaged backup always, a whole one only when no part of it was left out. The
 * errors say why not, where the nodes' own do not.
 */
export function findingOf(job: ClusterJob): { keep: boolean; errors: JobError[] } {
  const found = inspections(job);
  const records = new Set(found.map(({ recordSha256 }) => recordSha256));
  if (records.size > 1) {
    const message = 'The nodes read different records of the backup, so it is not one backup';
    return { keep: false, errors: [jobError('BACKUP_DAMAGED', message)] };
  }
  const isAll = found.length === stepsOf(job, 'inspect').length;
  return { keep: isAll || damagedOf(job).length > 0, errors: [] };
}

/** The finding as `commit` writes it. */
export function findingText(job: ClusterJob, cluster: string): { text: string; sha256: string } {
  const text = `${JSON.stringify(verification(job, cluster), null, 1)}\n`;
  return { text, sha256: hash('sha256', text) };
}

/** It follows from the reports alone, so that every node is told the same. */
export function verification(job: ClusterJob, cluster: string): Verification {
  const found = inspections(job);
  const damaged = damagedOf(job);
  return {
    version: 1,
    cluster,
    name: job.backupName ?? '',
    recordSha256: found[0]?.recordSha256 ?? '',
    when: Math.max(job.started, ...stepsOf(job, 'inspect').map(({ finished }) => finished ?? 0)),
    deep: job.parameters.deep ?? false,
    result: damaged.length === 0 ? 'SUCCESS' : 'FAILURE',
    damagedFiles: Math.max(
      damaged.length,
      found.reduce((sum, { damagedFiles }) => sum + damagedFiles, 0),
    ),
    damaged,
  };
}
