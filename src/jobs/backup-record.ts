import type { ClusterJob } from '../model/cluster-job.ts';
import type { BackupRecord } from '../model/backup.ts';
import { nodeBackups } from './result.ts';
import { phaseShortfalls } from './shortfalls.ts';
import { stepsOf } from './steps.ts';

/**
 * The cluster's record of a backup whose nodes have all ended their part; one that could not confirm its part counts as
 * missing. It follows from what they reported
 * alone, so that every node writes the same text, at whatever try.
 */
export function backupRecord(job: ClusterJob, cluster: string): BackupRecord {
  const steps = stepsOf(job, 'backup');
  const missing = [...phaseShortfalls(job, 'backup'), ...phaseShortfalls(job, 'confirm')];
  return {
    version: 1,
    cluster,
    name: job.backupName ?? '',
    jobUuid: job.uuid,
    location: job.location ?? '',
    started: job.started,
    finished: Math.max(job.started, ...steps.map(({ finished }) => finished ?? 0)),
    result: missing.length === 0 ? 'SUCCESS' : 'PARTIAL',
    nodes: nodeBackups(job).flatMap(({ executorId, report }) => {
      if (!report?.manifest) return [];
      const { sha256, hostId, hostname, ip, tokens, schemaVersion, files, bytes } = report.manifest;
      return [{ executorId, hostId, hostname, ip, tokens, schemaVersion, manifestSha256: sha256, files, bytes }];
    }),
    missing: missing.map(({ executorId, keyspace, message }) => ({
      executorId: executorId ?? '',
      keyspace,
      reason: message,
    })),
  };
}
