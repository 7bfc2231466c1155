import type { Schema } from '../cassandra/schema.ts';
import type { NodeManifest } from '../model/backup.ts';
import { manifestKey, schemaKey } from '../storage/layout.ts';
import { sha256Of, stringifyManifest } from '../storage/manifest.ts';
import type { BackupProgress, StoredKeyspace } from './backup-progress.ts';
import type { StepContext } from './step-context.ts';

/** Ends a node backup: once its manifest is there, it is whole. */
export async function storeManifest(
  context: StepContext,
  schema: Schema,
  progress: BackupProgress,
  keyspaces: readonly string[],
): Promise<void> {
  const { request, storage, reporter, signal } = context;
  const { cluster, executorId, backupName } = request;
  const manifest = await manifestOf(context, schema, progress, keyspaces);
  signal.throwIfAborted();
  await storage.putDocument(schemaKey(cluster, executorId, backupName), schemaText(schema.statements));
  await storage.flush();
  const text = stringifyManifest(manifest);
  await storage.putDocument(manifestKey(cluster, executorId, backupName), text);
  reporter.manifest({
    sha256: sha256Of(text),
    hostId: manifest.hostId,
    tokens: manifest.tokens,
    hostname: manifest.hostname,
    ip: manifest.ip,
    schemaVersion: manifest.schemaVersion,
    cassandraVersion: manifest.cassandraVersion,
    ...(manifest.adoptedFrom === undefined ? {} : { adoptedFrom: manifest.adoptedFrom }),
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.size, 0),
    ...sentOf(progress, keyspaces),
  });
}

async function manifestOf(
  { request, node, hostname, ip, clock, signal }: StepContext,
  schema: Schema,
  progress: BackupProgress,
  keyspaces: readonly string[],
): Promise<NodeManifest> {
  const health = await node.health(signal);
  const stored = new Map<string, StoredKeyspace>();
  for (const keyspace of keyspaces) {
    const entry = progress.keyspace(keyspace);
    if (entry !== undefined) stored.set(keyspace, entry);
  }
  return {
    version: 1,
    cluster: request.cluster,
    backupName: request.backupName,
    jobUuid: request.jobUuid,
    executorId: request.executorId,
    hostId: health.hostId,
    hostname,
    ip,
    datacenter: health.datacenter,
    rack: health.rack,
    tokens: health.tokens,
    cassandraVersion: health.version,
    partitioner: health.partitioner,
    schemaVersion: schema.version,
    started: progress.started,
    finished: clock.now(),
    mode: request.mode,
    ...sentOf(progress, keyspaces),
    ...(progress.adoptedFrom === undefined ? {} : { adopted: true as const, adoptedFrom: progress.adoptedFrom }),
    keyspaces: [...stored.keys()],
    tables: [...stored.values()].flatMap((entry) => entry.tables),
    types: schema.types,
    schema: schema.statements.map(({ keyspace, type, name, cql }) => ({ keyspace, type, name, cql })),
    files: [...stored.values()].flatMap((entry) => entry.files),
  };
}

/** What of the stored keyspaces was not at the location yet. */
function sentOf(progress: BackupProgress, keyspaces: readonly string[]): { filesSent: number; bytesSent: number } {
  const reports = keyspaces.flatMap((keyspace) => progress.keyspace(keyspace)?.report ?? []);
  return {
    filesSent: reports.reduce((sum, { filesSent = 0 }) => sum + filesSent, 0),
    bytesSent: reports.reduce((sum, { bytesSent = 0 }) => sum + bytesSent, 0),
  };
}

/** The whole DDL for people and cqlsh. */
export function schemaText(statements: readonly { cql: string }[]): string {
  return (
    statements.map(({ cql }) => (cql.trimEnd().endsWith(';') ? cql.trimEnd() : `${cql.trimEnd()};`)).join('\n\n') + '\n'
  );
}
