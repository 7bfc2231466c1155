import { bytes, table, time } from './format.ts';

/** What the commands read of a backup; api-docs/openapi.yaml has all of it. */
export interface BackupView {
  name: string;
  state: string;
  location: string;
  started: number | null;
  finished: number | null;
  nodes: string[];
  keyspaces: Record<string, { tables: number; files: number; bytes: number }> | null;
  files: number | null;
  bytes: number | null;
  bytesSent: number | null;
  bytesOwn: number | null;
  mode: string | null;
  adopted: boolean;
  encrypted: boolean | null;
  keyIds: string[];
  compression: string[];
  schemaVersion: string | null;
  cassandraVersion: string | null;
  job: number | null;
  damaged: { executorId: string | null; path: string; problem: string }[];
  verified: { when: number; deep: boolean; result: string } | null;
  message: string | null;
  seen: boolean;
  reason: string | null;
  /** Of one backup only, as `missing`. */
  nodeBackups?: { executorId: string; hostname: string; ip: string; files: number; bytes: number }[] | null;
}

/** Backups for people: a line each. */
export function describeBackups(backups: BackupView[]): string {
  if (backups.length === 0) return 'There are no backups.\n';
  const rows = backups.map((backup) => [
    backup.name,
    backup.state,
    time(backup.started),
    backup.nodes.length,
    amount(backup.bytes),
    verifiedOf(backup),
    backup.location,
  ]);
  const unseen = new Map(backups.flatMap(({ location, reason }) => (reason === null ? [] : [[location, reason]])));
  const notes = [...unseen].map(
    ([location, reason]) => `${location} is told from memory: ${reason?.replace(/\.$/, '')}.`,
  );
  const headings = ['BACKUP', 'STATE', 'STARTED', 'NODES', 'SIZE', 'VERIFIED', 'LOCATION'];
  return `${[table(headings, rows), ...notes].join('\n')}\n`;
}

/** One backup for people: what it is, what is stored of which node and keyspace, and what is wrong. */
export function describeBackup(backup: BackupView): string {
  const { name, state, location, message, reason, keyspaces, nodeBackups = null, damaged } = backup;
  const head = [
    `Backup ${name}: ${state}${message === null ? '' : `, ${message}`}`,
    `Location ${location}${reason === null ? '' : ` (told from memory: ${reason})`}`,
    `Started ${time(backup.started)}, finished ${time(backup.finished)}${backup.job === null ? '' : `, job ${backup.job}`}`,
    `${backup.files ?? '-'} files, ${amount(backup.bytes)}, Cassandra ${backup.cassandraVersion ?? '-'}, schema ${backup.schemaVersion ?? '-'}`,
    `${modeOf(backup)}: ${amount(backup.bytesSent)} sent; its deletion frees ${amount(backup.bytesOwn)}`,
    ...codingOf(backup),
    `Verified: ${verifiedOf(backup)}`,
  ].join('\n');
  const nodeRows = (nodeBackups ?? []).map((node) => [
    node.executorId,
    node.hostname,
    node.ip,
    node.files,
    bytes(node.bytes),
  ]);
  const keyspaceRows = Object.entries(keyspaces ?? {}).map(([keyspace, size]) => [
    keyspace,
    size.tables,
    size.files,
    bytes(size.bytes),
  ]);
  const bad = damaged.map(
    ({ executorId, path, problem }) => `  ${[executorId, path].filter(Boolean).join(' ')}: ${problem}`,
  );
  const parts = [
    head,
    ...(nodeRows.length === 0 ? [] : [table(['NODE', 'HOSTNAME', 'IP', 'FILES', 'SIZE'], nodeRows)]),
    ...(keyspaceRows.length === 0 ? [] : [table(['KEYSPACE', 'TABLES', 'FILES', 'SIZE'], keyspaceRows)]),
    ...(bad.length === 0 ? [] : [`Damaged:\n${bad.join('\n')}`]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function amount(size: number | null): string {
  return size === null ? '-' : bytes(size);
}

/** A line, where there is something to say. */
function codingOf({ encrypted, keyIds, compression }: BackupView): string[] {
  const how = [
    ...(keyIds.length === 0
      ? []
      : [
          `${encrypted ? 'encrypted' : 'partly encrypted'} with the ${keyIds.length === 1 ? 'key' : 'keys'} ${keyIds.join(', ')}`,
        ]),
    ...(compression.length === 0 ? [] : [`compressed by ${compression.join(', ')}`]),
  ];
  return how.length === 0 ? [] : [`Files are ${how.join(' and ')}`];
}

function modeOf({ adopted, mode }: BackupView): string {
  return adopted ? 'Adopted' : mode === 'incremental' ? 'Incremental' : mode === 'full' ? 'Full' : 'Of unknown mode';
}

function verifiedOf({ verified }: BackupView): string {
  if (verified === null) return 'never';
  const { when, deep, result } = verified;
  return `${time(when)}${deep ? ' deep' : ''}${result === 'SUCCESS' ? '' : ', damaged'}`;
}
