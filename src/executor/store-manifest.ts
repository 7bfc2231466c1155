import { isDeepStrictEqual } from 'node:util';
import type { Schema } from '../cassandra/schema.ts';
import { encodingsOf, type NodeManifest } from '../model/backup.ts';
import type { ManifestReport } from '../model/step.ts';
import { keptManifestKey, manifestKey, schemaKey } from '../storage/layout.ts';
import { parseManifest, sha256Of, stringifyManifest } from '../storage/manifest.ts';
import type { BackupProgress, StoredKeyspace } from './backup-progress.ts';
import type { StepContext } from './step-context.ts';
import { presentRecord } from './take-over.ts';

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
  const before = request.resume ? await manifestBefore(context, progress) : null;
  if (before !== null && isSamePart(before.manifest, manifest)) {
    reporter.manifest(manifestReport(before.manifest, before.text));
    return;
  }
  if (before !== null) await keepIfRecorded(context, progress, before.text);
  await storage.putDocument(schemaKey(cluster, executorId, backupName), schemaText(schema.statements));
  await storage.flush();
  const text = stringifyManifest(manifest, progress.keptManifest);
  await storage.putDocument(manifestKey(cluster, executorId, backupName), text);
  reporter.manifest(manifestReport(manifest, text));
}

/** The manifest that a job before this one has stored of the same backup. */
async function manifestBefore(
  { request, storage }: StepContext,
  progress: BackupProgress,
): Promise<{ manifest: NodeManifest; text: string } | null> {
  const { cluster, executorId, backupName } = request;
  const key = manifestKey(cluster, executorId, backupName);
  const text = await storage.getDocument(key);
  if (text === null) return null;
  const manifest = parseManifest(text, key);
  const isOwn =
    manifest.cluster === cluster && manifest.executorId === executorId && manifest.backupName === backupName;
  return isOwn && progress.isOurs(manifest.jobUuid) ? { manifest, text } : null;
}

/** Until the new record is committed the present one is valid, and with it the manifest that it names. */
async function keepIfRecorded(context: StepContext, progress: BackupProgress, text: string): Promise<void> {
  const { cluster, executorId, backupName } = context.request;
  const sha256 = sha256Of(text);
  const part = (await presentRecord(context))?.record.nodes.find((node) => node.executorId === executorId);
  if (part?.manifestSha256 !== sha256) return;
  await context.storage.putDocument(keptManifestKey(cluster, executorId, backupName, sha256), text);
  await progress.manifestKept(sha256);
}

/** True where a job before this one has stored all of it: then its manifest stays as it is. */
function isSamePart(before: NodeManifest, now: NodeManifest): boolean {
  return isDeepStrictEqual(partOf(before), partOf(now));
}

function partOf({ hostId, tokens, keyspaces, tables, files }: NodeManifest) {
  return { hostId, tokens: tokens.toSorted(), keyspaces: keyspaces.toSorted(), tables, files };
}

function manifestReport(manifest: NodeManifest, text: string): ManifestReport {
  const { hostId, tokens, hostname, ip, schemaVersion, cassandraVersion, adoptedFrom, filesSent, bytesSent } = manifest;
  const encodings = encodingsOf(manifest.files);
  return {
    sha256: sha256Of(text),
    hostId,
    tokens,
    hostname,
    ip,
    schemaVersion,
    cassandraVersion,
    ...(adoptedFrom === undefined ? {} : { adoptedFrom }),
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.size, 0),
    filesSent: filesSent ?? 0,
    bytesSent: bytesSent ?? 0,
    ...(encodings === null ? {} : { encodings }),
  };
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
  const before = progress.sentBefore;
  return {
    filesSent: reports.reduce((sum, { filesSent = 0 }) => sum + filesSent, before.filesSent),
    bytesSent: reports.reduce((sum, { bytesSent = 0 }) => sum + bytesSent, before.bytesSent),
  };
}

/** The whole DDL for people and cqlsh. */
export function schemaText(statements: readonly { cql: string }[]): string {
  return (
    statements.map(({ cql }) => (cql.trimEnd().endsWith(';') ? cql.trimEnd() : `${cql.trimEnd()};`)).join('\n\n') + '\n'
  );
}
