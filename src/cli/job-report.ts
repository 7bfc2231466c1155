import { bytes, duration, table, time } from './format.ts';
import type { JobView, NodeView } from './job-view.ts';

/** Exit code of a job: 0 success, 3 partial, 1 failed or aborted. A job that still runs has not failed. */
export function exitCodeOf(job: JobView): number {
  if (job.result === 'PARTIAL') return 3;
  return job.result === null || job.result === 'SUCCESS' ? 0 : 1;
}

/** A job for people: what it is, nodes × keyspaces, and what went wrong. */
export function describeJob(job: JobView, now: number): string {
  const nodes = [...job.completedNodes, ...(job.currentNode ? [job.currentNode] : [])];
  const rows = nodes.flatMap(keyspaceRows);
  const waiting = job.remainingNodes.map((node) => [node, '-', 'WAITING', '-', '-']);
  const parts = [
    headline(job, now),
    rows.length + waiting.length === 0
      ? null
      : table(['NODE', 'KEYSPACE', 'STATUS', 'SIZE', 'TIME'], [...rows, ...waiting]),
    job.errors.length === 0 ? null : `Errors:\n${job.errors.map((error) => `  ${errorLine(error)}`).join('\n')}`,
  ];
  return `${parts.filter((part) => part !== null).join('\n\n')}\n`;
}

function headline(job: JobView, now: number): string {
  const kind = job.type === 'BACKUP' ? 'Backup' : 'Restore';
  const state = job.result ?? (job.aborted ? 'RUNNING, to be aborted' : 'RUNNING');
  const done = job.bytesTotal === null ? bytes(job.bytesDone) : `${bytes(job.bytesDone)} of ${bytes(job.bytesTotal)}`;
  return [
    `${kind} ${job.backupName} (job ${job.id}): ${state}`,
    `Location ${job.location}`,
    `Started ${time(job.started)}, ${job.finished === null ? 'running for' : 'took'} ${duration((job.finished ?? now) - job.started)}, ${done}`,
  ].join('\n');
}

function keyspaceRows(node: NodeView): string[][] {
  const done = Object.entries(node.processedKeyspaces).map(([keyspace, { status, bytes: size, durationMillis }]) => [
    node.executorId,
    keyspace,
    status,
    bytes(size),
    duration(durationMillis),
  ]);
  const open = node.remainingKeyspaces.map((keyspace) => [node.executorId, keyspace, 'OPEN', '-', '-']);
  const rows = [...done, ...open];
  if (rows.length > 0) return rows;
  return [
    [node.executorId, '-', node.failure ? 'FAILURE' : node.finishedTimestamp === null ? 'RUNNING' : 'DONE', '-', '-'],
  ];
}

function errorLine(error: JobView['errors'][number]): string {
  const where = [error.executorId, [error.keyspace, error.table].filter(Boolean).join('.')].filter(Boolean).join(' ');
  return `${where === '' ? '' : `${where}: `}${error.message} (${error.code})`;
}
