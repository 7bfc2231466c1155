import { bytes, duration, table, time } from './format.ts';
import type { JobView, NodeView, RenamedView, SweptView } from './job-view.ts';

/** Exit code of a job: 0 success, 3 partial, 1 failed or aborted. A job that still runs has not failed. */
export function exitCodeOf(job: JobView): number {
  if (job.result === 'PARTIAL') return 3;
  return job.result === null || job.result === 'SUCCESS' ? 0 : 1;
}

const TITLES = {
  BACKUP: 'Backup',
  RESTORE: 'Restore',
  CLEANUP: 'Cleanup',
  REPAIR: 'Repair',
  RESTART: 'Rolling restart',
  REMOVE: 'Removal',
  VERIFY: 'Verification of',
  DELETE: 'Deletion of',
  PRUNE: 'Pruning',
  SWEEP: 'Sweep',
  RENAME: 'Renaming',
  ADOPT: 'Adoption of',
} as const satisfies Record<JobView['type'], string>;

/** A job for people: what it is, nodes × keyspaces, and what went wrong. */
export function describeJob(job: JobView, now: number): string {
  const nodes = [...job.completedNodes, ...job.currentNodes];
  const waiting = job.remainingNodes.map((node) => [node, '-', 'WAITING', '-', '-']);
  const rows = [...nodes.flatMap(keyspaceRows), ...waiting];
  const parts = [
    headline(job, now),
    job.swept === undefined ? null : describeSwept(job.swept),
    job.deleted === undefined ? null : `Deleted ${job.deleted.length === 0 ? 'nothing' : job.deleted.join(', ')}.`,
    job.filesKept ? describeKept(job.filesKept) : null,
    job.renamed === undefined ? null : describeRenamed(job.renamed),
    rows.length === 0 ? null : telling(['NODE', 'KEYSPACE', 'STATUS', 'SIZE', 'TIME'], rows),
    job.errors.length === 0 ? null : `Errors:\n${job.errors.map((error) => `  ${errorLine(error)}`).join('\n')}`,
  ];
  return `${parts.filter((part) => part !== null).join('\n\n')}\n`;
}

/** A table without the columns that say nothing in any row. */
function telling(headings: string[], rows: string[][]): string {
  const says = headings.map((_, column) => rows.some((row) => row[column] !== '-'));
  const keep = (cells: string[]) => cells.filter((_, column) => says[column]);
  return table(keep(headings), rows.map(keep));
}

function headline(job: JobView, now: number): string {
  const title = job.backupName === undefined ? TITLES[job.type] : `${TITLES[job.type]} ${job.backupName}`;
  const state = job.result ?? (job.aborted ? 'RUNNING, to be aborted' : 'RUNNING');
  const pace = `${job.finished === null ? 'running for' : 'took'} ${duration((job.finished ?? now) - job.started)}`;
  return [
    `${title} (job ${job.id}): ${state}`,
    ...(job.location === undefined ? [] : [`Location ${job.location}`]),
    `Started ${time(job.started)}, ${pace}, ${doneOf(job)}${sentOf(job)}${speedOf(job)}`,
  ].join('\n');
}

/** Of a backup: how much had to be sent, because no earlier one holds it. */
function sentOf({ bytesSent, bytesDone }: JobView): string {
  return bytesSent === undefined || bytesSent === bytesDone ? '' : `, ${bytes(bytesSent)} of it sent`;
}

/** How fast it goes on, and how long the rest will take, as far as it is known. */
function speedOf({ rate, eta }: JobView): string {
  return rate === null ? '' : `, ${bytes(rate)}/s${eta === null ? '' : `, ${duration(eta)} left`}`;
}

/** How much of it is done: bytes, or nodes where none are moved. */
export function doneOf(job: JobView): string {
  if (job.backupName === undefined) {
    const { done, all } = nodesOf(job);
    return `${done} of ${all} ${all === 1 ? 'node' : 'nodes'}`;
  }
  return job.bytesTotal === null ? bytes(job.bytesDone) : `${bytes(job.bytesDone)} of ${bytes(job.bytesTotal)}`;
}

export function nodesOf(job: JobView): { done: number; all: number } {
  const done = job.completedNodes.length;
  return { done, all: done + job.currentNodes.length + job.remainingNodes.length };
}

function keyspaceRows(node: NodeView): string[][] {
  const done = Object.entries(node.processedKeyspaces).map(([keyspace, { status, bytes: size, durationMillis }]) => [
    node.executorId,
    keyspace,
    status,
    size === 0 ? '-' : bytes(size),
    duration(durationMillis),
  ]);
  const open = node.remainingKeyspaces.map((keyspace) => [node.executorId, keyspace, 'OPEN', '-', '-']);
  const rows = [...done, ...open];
  return rows.length > 0 ? rows : [wholeNodeRow(node)];
}

function wholeNodeRow({ executorId, failure, startedTimestamp, finishedTimestamp }: NodeView): string[] {
  const status = failure ? 'FAILURE' : finishedTimestamp === null ? 'RUNNING' : 'DONE';
  const known = startedTimestamp !== null && finishedTimestamp !== null;
  return [executorId, '-', status, '-', known ? duration(finishedTimestamp - startedTimestamp) : '-'];
}

function describeSwept({ dryRun, files, bytes: size, found }: SweptView): string {
  const total = `${dryRun ? 'Would delete' : 'Deleted'} ${files} ${files === 1 ? 'file' : 'files'}, ${bytes(size)}.`;
  const rows = found.map((entry) => [entry.path, String(entry.files), bytes(entry.bytes), entry.reason]);
  return rows.length === 0 ? 'Found nothing.' : `${table(['FOUND', 'FILES', 'SIZE', 'WHY'], rows)}\n${total}`;
}

/** Increments in a store of objects refer to files of earlier backups. */
function describeKept(files: number): string {
  const [what, them] = files === 1 ? ['1 file stays', 'it'] : [`${files} files stay`, 'them'];
  return `${what} until the last backup that refers to ${them} is deleted.`;
}

/** What was renamed, or would be. */
export function describeRenamed({ from, to, dryRun, backups, files, bytes: size }: RenamedView): string {
  const did = `${dryRun ? 'Would rename' : 'Renamed'} ${from} to ${to} in`;
  return backups.length === 0 ? `${did} no backup.` : `${did} ${backups.join(', ')}: ${files} files, ${bytes(size)}.`;
}

function errorLine(error: JobView['errors'][number]): string {
  const where = [error.executorId, [error.keyspace, error.table].filter(Boolean).join('.')].filter(Boolean).join(' ');
  return `${where === '' ? '' : `${where}: `}${error.message} (${error.code})`;
}
