import { hash } from 'node:crypto';
import type { ClusterJob, Step } from '../model/cluster-job.ts';
import { sortedOnce, type BackupRecord, type KeyspaceSize } from '../model/backup.ts';
import { absentTables } from './adopted-tables.ts';
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
  const phases = ['preflight', 'backup', 'confirm'] as const;
  const missing = [...phases.flatMap((name) => phaseShortfalls(job, name)), ...absentTables(job)];
  return {
    ...header(job, cluster),
    result: missing.length === 0 ? 'SUCCESS' : 'PARTIAL',
    mode: job.parameters.mode ?? 'incremental',
    ...adoptionOf(job),
    nodes: recordNodes(nodeBackups(job)),
    missing: missing.map(({ executorId, keyspace, table, message }) => ({
      executorId: executorId ?? '',
      keyspace,
      // Only an adopted keyspace may be there without one of its tables.
      ...(job.type === 'ADOPT' && table !== null ? { table } : {}),
      reason: message,
    })),
    keyspaces: keyspaceSizes(nodeBackups(job), job.type === 'ADOPT'),
    ...encodingOf(nodeBackups(job)),
  };
}

/** By which keys it can be read, and how it is compressed. */
function encodingOf(steps: Step[]): Pick<BackupRecord, 'keyIds' | 'encrypted' | 'compression'> {
  const manifests = steps.flatMap(({ report }) => report?.manifest ?? []);
  const keyIds = sortedOnce(manifests.flatMap(({ encodings }) => encodings?.keyIds ?? []));
  const compression = sortedOnce(manifests.flatMap(({ encodings }) => encodings?.compression ?? []));
  const clearFiles = manifests.reduce((sum, { files, encodings }) => sum + (encodings?.clearFiles ?? files), 0);
  return {
    ...(keyIds.length === 0 ? {} : { keyIds }),
    ...(keyIds.length > 0 && clearFiles === 0 ? { encrypted: true } : {}),
    ...(compression.length === 0 ? {} : { compression }),
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

/** The nodes may have found it in different folders: the first is named. */
function adoptionOf(job: ClusterJob): Pick<BackupRecord, 'adopted' | 'adoptedFrom'> {
  if (job.type !== 'ADOPT') return {};
  const [adoptedFrom] = nodeBackups(job).flatMap(({ report }) => report?.manifest?.adoptedFrom ?? []);
  return { adopted: true, ...(adoptedFrom === undefined ? {} : { adoptedFrom }) };
}

function recordNodes(steps: Step[]): BackupRecord['nodes'] {
  return steps.flatMap(({ executorId, report }) => {
    if (!report?.manifest) return [];
    const { sha256: manifestSha256, adoptedFrom: _, encodings: __, ...node } = report.manifest;
    return [{ executorId, ...node, manifestSha256 }];
  });
}

function keyspaceSizes(steps: Step[], isAdopted: boolean): Record<string, KeyspaceSize> {
  const sizes = new Map<string, KeyspaceSize & { names: Set<string> }>();
  for (const [name, { status, tables }] of steps.flatMap(({ report }) => [...endedKeyspaces(report)])) {
    const stored = Object.entries(tables).filter(([, { error }]) => error === null);
    if (status !== 'SUCCESS' && !(isAdopted && stored.length > 0)) continue;
    const size = sizes.get(name) ?? { names: new Set(), tables: 0, files: 0, bytes: 0 };
    sizes.set(name, size);
    for (const [table, { files, bytes }] of stored) {
      size.names.add(table);
      size.files += files;
      size.bytes += bytes;
    }
  }
  const entries = [...sizes].map(([name, { names, files, bytes }]) => [name, { tables: names.size, files, bytes }]);
  return Object.fromEntries(entries);
}
