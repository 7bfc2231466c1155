import { hash } from 'node:crypto';
import type { ClusterJob, Step } from '../model/cluster-job.ts';
import type { BackupRecord, KeyspaceSize } from '../model/backup.ts';
import { nodeBackups } from './result.ts';
import { phaseShortfalls } from './shortfalls.ts';
import { endedKeyspaces, stepsOf } from './steps.ts';

export interface RecordText {
  text: string;
  sha256: string;
}

/** By the confirming steps: once they have ended the record stays as it is, and thousands of nodes ask for it. */
const texts = new WeakMap<Step[], RecordText>();

/** The record as `commit` writes it. */
export function recordText(job: ClusterJob, cluster: string): RecordText {
  const key = stepsOf(job, 'confirm');
  let record = texts.get(key);
  if (!record) {
    const text = `${JSON.stringify(backupRecord(job, cluster), null, 2)}\n`;
    record = { text, sha256: hash('sha256', text) };
    texts.set(key, record);
  }
  return record;
}

/**
 * The cluster's record of a backup whose nodes have all ended their part; one that could not confirm its part counts as
 * missing. It follows from what they reported alone, so that every node is told the same text, at whatever try.
 */
export function backupRecord(job: ClusterJob, cluster: string): BackupRecord {
  const missing = [...phaseShortfalls(job, 'backup'), ...phaseShortfalls(job, 'confirm')];
  return {
    ...header(job, cluster),
    result: missing.length === 0 ? 'SUCCESS' : 'PARTIAL',
    mode: job.parameters.mode ?? 'incremental',
    nodes: recordNodes(nodeBackups(job)),
    missing: missing.map(({ executorId, keyspace, message }) => ({
      executorId: executorId ?? '',
      keyspace,
      reason: message,
    })),
    keyspaces: keyspaceSizes(nodeBackups(job)),
  };
}

function header(job: ClusterJob, cluster: string) {
  return {
    version: 1,
    cluster,
    name: job.backupName ?? '',
    jobUuid: job.uuid,
    location: job.location ?? '',
    started: job.started,
    finished: Math.max(job.started, ...stepsOf(job, 'backup').map(({ finished }) => finished ?? 0)),
  } as const;
}

function recordNodes(steps: Step[]): BackupRecord['nodes'] {
  return steps.flatMap(({ executorId, report }) => {
    if (!report?.manifest) return [];
    const { sha256: manifestSha256, ...node } = report.manifest;
    return [{ executorId, ...node, manifestSha256 }];
  });
}

function keyspaceSizes(steps: Step[]): Record<string, KeyspaceSize> {
  const sizes = new Map<string, KeyspaceSize & { names: Set<string> }>();
  for (const [name, { status, tables }] of steps.flatMap(({ report }) => [...endedKeyspaces(report)])) {
    if (status !== 'SUCCESS') continue;
    const size = sizes.get(name) ?? { names: new Set(), tables: 0, files: 0, bytes: 0 };
    sizes.set(name, size);
    for (const [table, { files, bytes }] of Object.entries(tables)) {
      size.names.add(table);
      size.files += files;
      size.bytes += bytes;
    }
  }
  const entries = [...sizes].map(([name, { names, files, bytes }]) => [name, { tables: names.size, files, bytes }]);
  return Object.fromEntries(entries);
}
