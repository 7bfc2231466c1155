import type { ClusterJob } from '../model/cluster-job.ts';
import { isMember, type ClusterNode } from '../model/node.ts';
import type { CheckReport, JobError } from '../model/step.ts';
import { phaseShortfalls } from './shortfalls.ts';
import { executorIdsOf, jobError, stepsOf } from './steps.ts';

/** What one node found. */
interface Finding extends CheckReport {
  executorId: string;
}

/** Why the restore must not touch anything; empty when it may begin. Looks at all checks before it answers. */
export function mayRestoreBegin(job: ClusterJob, nodes: ClusterNode[]): JobError[] {
  const steps = stepsOf(job, 'check');
  const findings = steps.flatMap(({ executorId, report }) => (report?.check ? [{ executorId, ...report.check }] : []));
  const silent = steps
    .filter(({ state, report }) => state === 'SUCCESS' && !report?.check)
    .map(({ executorId }) => jobError('INTERNAL', 'The node ended its check without a finding', { executorId }));
  return [
    ...phaseShortfalls(job, 'check'),
    ...silent,
    ...membersChanged(job, nodes),
    // Without every node's word the rest would only repeat that one is missing.
    ...(findings.length === steps.length ? refusals(job, findings) : []),
  ];
}

/** Nodes that came or went since the job began: the tokens are spread anew, so the backup does not fit any more. */
export function membersChanged(job: ClusterJob, nodes: ClusterNode[]): JobError[] {
  const then = new Set(executorIdsOf(job));
  const now = new Set(nodes.filter(isMember).map(({ executorId }) => executorId));
  const joined = [...now].filter((executorId) => !then.has(executorId));
  const left = [...then].filter((executorId) => !now.has(executorId));
  return [
    ...joined.map((executorId) =>
      jobError('TOPOLOGY_MISMATCH', 'The node joined the cluster after the restore had begun', { executorId }),
    ),
    ...left.map((executorId) =>
      jobError('TOPOLOGY_MISMATCH', 'The node left the cluster after the restore had begun', { executorId }),
    ),
  ];
}

function refusals(job: ClusterJob, findings: Finding[]): JobError[] {
  const errors = [...differentRecords(findings), ...unmatched(findings), ...schemaInDoubt(findings)];
  for (const { executorId, bytesNeeded, bytesFree } of findings) {
    if (bytesFree >= bytesNeeded) continue;
    const message = `Expected ${bytesNeeded} bytes of free space to stage the backup, there are ${bytesFree}`;
    errors.push(jobError('NO_SPACE', message, { executorId }));
  }
  if (findings.every(({ tables }) => tables.length === 0)) {
    const message = `Backup ${job.backupName} holds none of the tables that were asked for`;
    errors.push(jobError('BAD_REQUEST', message));
  }
  return errors;
}

function differentRecords(findings: Finding[]): JobError[] {
  if (new Set(findings.map(({ recordSha256 }) => recordSha256)).size <= 1) return [];
  const seen = findings.map(({ executorId, recordSha256 }) => `${executorId}: ${recordSha256}`).join(', ');
  const message = `The nodes read different records of the backup, so it is not one backup (${seen})`;
  return [jobError('BACKUP_DAMAGED', message)];
}

/** Every node of the backup needs exactly one node here, and every node here one in the backup. */
function unmatched(findings: Finding[]): JobError[] {
  const errors = findings
    .filter(({ sourceExecutorId }) => sourceExecutorId === null)
    .map(({ executorId }) =>
      jobError('TOPOLOGY_MISMATCH', 'No node of the backup has the tokens of this node', { executorId }),
    );
  for (const source of new Set(findings.flatMap(({ backupNodes }) => backupNodes))) {
    const here = findings.filter(({ sourceExecutorId }) => sourceExecutorId === source);
    if (here.length === 1) continue;
    const message =
      here.length === 0
        ? `No node of the cluster has the tokens of ${source} in the backup`
        : `${source} in the backup fits several nodes: ${here.map(({ executorId }) => executorId).join(', ')}`;
    errors.push(jobError('TOPOLOGY_MISMATCH', message));
  }
  return errors;
}

function schemaInDoubt(findings: Finding[]): JobError[] {
  const errors: JobError[] = [];
  const versions = new Set(findings.flatMap(({ schemaVersions }) => schemaVersions));
  if (versions.size > 1) {
    const seen = [...versions].toSorted().join(', ');
    errors.push(jobError('SCHEMA_MISMATCH', `Expected one schema version in the cluster, the nodes know ${seen}`));
  }
  for (const { executorId, unreachableNodes } of findings) {
    if (unreachableNodes.length === 0) continue;
    const message = `The node sees other nodes as down: ${unreachableNodes.join(', ')}`;
    errors.push(jobError('NODE_DOWN', message, { executorId }));
  }
  return errors;
}
