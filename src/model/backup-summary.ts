import type { BackupMode, BackupRecord, DamagedFile, KeyspaceSize, Verification } from './backup.ts';

/** What the documents of a location say of a backup. What a verification found damaged stands in `verification`. */
export type StoredState = 'COMPLETE' | 'PARTIAL' | 'INCOMPLETE' | 'DAMAGED' | 'DELETING';

/** A backup in a few lines, however many nodes and files it has. Null: its documents do not say. */
export interface BackupSummary {
  name: string;
  state: StoredState;
  /** What an operator should know of it; null for most that are COMPLETE. */
  message: string | null;
  jobUuid: string | null;
  /** Epoch ms. */
  started: number | null;
  finished: number | null;
  /** Executor ids under which something lies. */
  nodes: string[];
  keyspaces: Record<string, KeyspaceSize> | null;
  files: number | null;
  bytes: number | null;
  /** What its making brought to the location; the rest was there already. */
  bytesSent: number | null;
  mode: BackupMode | null;
  /** Another program made it, and it was taken over. */
  adopted: boolean;
  /** How its files lie there. Absent where no record says it, and in what early versions remembered. */
  coding?: { encrypted: boolean; keyIds: string[]; compression: string[] };
  schemaVersion: string | null;
  cassandraVersion: string | null;
  verification: Pick<Verification, 'when' | 'deep' | 'result' | 'damagedFiles' | 'damaged'> | null;
  /** Sizes and times of the documents that it was read from: as long as they are the same, so is this. Null: it was not read from any. */
  fingerprint: string | null;
}

/** One backup with its parts. */
export interface BackupDetails {
  summary: BackupSummary;
  /** Null: there is no record that could say it. */
  parts: Pick<BackupRecord['nodes'][number], 'executorId' | 'hostId' | 'hostname' | 'ip' | 'files' | 'bytes'>[] | null;
  missing: BackupRecord['missing'];
}

/** Of a record; a verification is added by whoever has it. */
export function summaryOf(record: BackupRecord): BackupSummary {
  const { name, result, jobUuid, started, finished, nodes, keyspaces = null } = record;
  return {
    name,
    state: result === 'SUCCESS' ? 'COMPLETE' : 'PARTIAL',
    message: messageOf(record),
    jobUuid,
    started,
    finished,
    nodes: nodes.map(({ executorId }) => executorId),
    keyspaces,
    files: nodes.reduce((sum, { files }) => sum + files, 0),
    bytes: nodes.reduce((sum, { bytes }) => sum + bytes, 0),
    bytesSent: nodes.reduce<number | null>((sum, { bytesSent }) => plus(sum, bytesSent), 0),
    mode: record.mode ?? null,
    adopted: record.adopted ?? false,
    coding: {
      encrypted: record.encrypted ?? false,
      keyIds: record.keyIds ?? [],
      compression: record.compression ?? [],
    },
    schemaVersion: onlyOne(nodes.map(({ schemaVersion }) => schemaVersion)),
    cassandraVersion: onlyOne(nodes.map(({ cassandraVersion }) => cassandraVersion)),
    verification: null,
    fingerprint: null,
  };
}

function messageOf({ name, cluster, missing, adoptedFrom }: BackupRecord): string | null {
  const told = missing.map(({ executorId, keyspace, table, reason }) => {
    const what = table === undefined ? `keyspace ${keyspace}` : `table ${keyspace}.${table}`;
    return keyspace === null ? `${executorId}: ${reason}` : `${executorId}, ${what}: ${reason}`;
  });
  const said = [
    ...(told.length === 0 ? [] : [`backup ${name} is partial; missing: ${told.join('; ')}`]),
    ...(adoptedFrom === cluster ? ['its files lie where another program has put them: its deletion deletes them'] : []),
  ];
  return said.length === 0 ? null : said.join('; ');
}

/** Of a backup without a record that could be read. */
export function emptySummary(name: string, state: StoredState, message: string | null, nodes: string[]): BackupSummary {
  return {
    name,
    state,
    message,
    jobUuid: null,
    started: null,
    finished: null,
    nodes,
    keyspaces: null,
    files: null,
    bytes: null,
    bytesSent: null,
    mode: null,
    adopted: false,
    schemaVersion: null,
    cassandraVersion: null,
    verification: null,
    fingerprint: null,
  };
}

/** `shop.users` of every table that has damaged files; whose damage is in no table is left out. */
export function damagedTables(damaged: readonly DamagedFile[]): string[] {
  const names = damaged.flatMap(({ path }) => tableOf(path) ?? []);
  return [...new Set(names)].toSorted();
}

/** `shop.users` of `shop/users/nb-1-big-Data.db`; null for a node's documents. */
export function tableOf(path: string): string | null {
  const [keyspace, table, component] = path.split('/');
  return component === undefined ? null : `${keyspace}.${table}`;
}

/** What all agree on. */
function onlyOne(values: (string | undefined)[]): string | null {
  const [first = null, ...others] = new Set(values);
  return others.length === 0 ? first : null;
}

/** Null as soon as one is not known. */
function plus(sum: number | null, value: number | undefined): number | null {
  return sum === null || value === undefined ? null : sum + value;
}
