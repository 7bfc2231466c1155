import { OperatorError } from '../errors.ts';
import type { BackupRecord, ManifestFile } from '../model/backup.ts';
import { damagedTables, tableOf } from '../model/backup-summary.ts';
import type { NodeHealth } from '../model/node.ts';
import { readVerification } from '../storage/verification.ts';
import { checkFiles, readRecord, readRecorded, schemaNow, type BackupSource } from './backup-source.ts';
import { checkSpace } from './check-space.ts';
import { compareSchema } from './compare-schema.ts';
import { findSource } from './find-source.ts';
import { filesToStage } from './staged-files.ts';
import { stagingFolder } from './staged-plan.ts';
import type { StepContext } from './step-context.ts';

/** Looks whether the backup can be restored on this node. Touches nothing; any doubt is an error. */
export async function nodeCheck(context: StepContext): Promise<void> {
  const { request, node, reporter, signal } = context;
  const { record, recordSha256 } = await readRecord(context);
  refuseMissing(record, context);
  const health = await node.health(signal);
  refuseUnsettled(health);

  const report = {
    recordSha256,
    backupNodes: record.nodes.map(({ executorId }) => executorId),
    sourceExecutorId: null,
    tables: [],
    backupFinished: record.finished,
    schemaVersions: [health.schemaVersion],
    unreachableNodes: health.unreachableNodes,
    bytesNeeded: 0,
    bytesFree: 0,
  };
  reporter.check(report);
  const { executorId } = findSource(record.nodes, { ...health, executorId: request.executorId });
  const source = await readRecorded(context, record, executorId);
  const { manifest, selection } = source;
  // Known already when one of the following refuses: nobody is to be told then that this node is in no backup.
  const found = {
    ...report,
    sourceExecutorId: executorId,
    tables: selection.tables.map(({ keyspace, table }) => `${keyspace}.${table}`),
    backupFinished: manifest.finished,
  };
  reporter.check(found);
  refuseUnknown(source, context);
  refuseOther(source, health, context);
  await refuseDamaged(context, recordSha256, source);
  const files = filesOf(source);
  await checkFiles(context, manifest, files);
  await context.storage.coding.checkReadable(files.map(({ encoding }) => encoding));
  await refuseSchema(context, source);

  const folder = stagingFolder(request.cluster, request.backupName, source.manifestSha256);
  const space = await checkSpace(context, filesToStage(context, folder, source));
  reporter.check({ ...found, ...space });
}

/** What is missing of a keyspace, or of a table, on one node cannot be restored on the others: truncation empties it everywhere. */
function refuseMissing({ missing, name }: BackupRecord, { request }: StepContext): void {
  const keyspaces = new Set(request.keyspaces ?? []);
  const tables = request.tables ?? [];
  const ofTables = new Set(tables.map((table) => table.split('.', 1)[0]));
  const everything = request.keyspaces === null && request.tables === null;
  const wanted = missing.filter(({ keyspace, table }) => {
    if (keyspace === null || everything) return true;
    if (table === undefined) return keyspaces.has(keyspace) || ofTables.has(keyspace);
    // A keyspace that has tables of its own named is narrowed to these.
    return ofTables.has(keyspace) ? tables.includes(`${keyspace}.${table}`) : keyspaces.has(keyspace);
  });
  if (wanted.length === 0) return;
  const list = wanted.map(({ executorId, keyspace, table, reason }) => {
    const what = table === undefined ? keyspace : `${keyspace}.${table}`;
    return what === null ? `${executorId} (${reason})` : `${what} of ${executorId} (${reason})`;
  });
  throw new OperatorError('BACKUP_INCOMPLETE', `backup ${name} is partial; missing: ${list.join('; ')}`, {
    hint: 'Name the keyspaces or tables that are whole on all nodes to restore only those.',
  });
}

function refuseUnsettled({ operationMode, unreachableNodes, movingNodes }: NodeHealth): void {
  const problems = [
    ...(operationMode === 'NORMAL' ? [] : [`this node is ${operationMode}, not NORMAL`]),
    ...(unreachableNodes.length === 0 ? [] : [`it cannot reach ${unreachableNodes.join(', ')}`]),
    ...(movingNodes.length === 0 ? [] : [`${movingNodes.join(', ')} joins, leaves or moves`]),
  ];
  if (problems.length === 0) return;
  throw new OperatorError('NODE_DOWN', `a restore needs all nodes up and at rest: ${problems.join('; ')}`);
}

function refuseUnknown({ selection, manifest }: BackupSource, { request }: StepContext): void {
  if (selection.unknown.length > 0) {
    const names = selection.unknown.map(({ name }) => name).join(', ');
    throw new OperatorError('BACKUP_INCOMPLETE', `backup ${manifest.backupName} does not hold ${names}`, {
      hint: `It holds the keyspaces ${manifest.keyspaces.join(', ') || '(none)'}.`,
    });
  }
  if (selection.keyspaces.length === 0) {
    throw new OperatorError('BACKUP_INCOMPLETE', `backup ${request.backupName} holds no keyspace of this node`);
  }
}

/** The data must fit the node as it is: cluster, partitioner, version. */
function refuseOther({ manifest }: BackupSource, health: NodeHealth, { request }: StepContext): void {
  if (manifest.cluster !== request.cluster) {
    throw new OperatorError(
      'BACKUP_DAMAGED',
      `expected a backup of cluster ${request.cluster}, got one of ${manifest.cluster}`,
    );
  }
  if (manifest.partitioner !== health.partitioner) {
    throw new OperatorError(
      'TOPOLOGY_MISMATCH',
      `the node has ${health.partitioner}, but the backup was made with ${manifest.partitioner}`,
    );
  }
  if (Number.parseInt(manifest.cassandraVersion, 10) > Number.parseInt(health.version, 10)) {
    throw new OperatorError(
      'SCHEMA_MISMATCH',
      `Cassandra ${health.version} cannot read SSTables of the newer ${manifest.cassandraVersion}`,
      { hint: `Upgrade the cluster to ${manifest.cassandraVersion} first.` },
    );
  }
}

/** What is damaged in other tables is no reason not to restore these. */
function filesOf({ manifest, selection }: BackupSource): ManifestFile[] {
  const selected = new Set(selection.tables.map(({ keyspace, table }) => `${keyspace}.${table}`));
  return manifest.files.filter(({ path }) => selected.has(tableOf(path) ?? ''));
}

/** What is known of the backup since it was last verified. Staging checks every byte again, but only after hours of copying. */
async function refuseDamaged(context: StepContext, recordSha256: string, source: BackupSource): Promise<void> {
  const { request, storage } = context;
  const { cluster, backupName } = request;
  const { executorId } = source.manifest;
  const found = await readVerification(storage, cluster, backupName, recordSha256);
  const damaged = (found?.damaged ?? []).filter((file) => file.executorId === executorId);
  const selected = source.selection.tables.map(({ keyspace, table }) => `${keyspace}.${table}`);
  const tables = damagedTables(damaged).filter((table) => selected.includes(table));
  if (found === null || tables.length === 0) return;
  const files = damaged.filter(({ path }) => tables.includes(tableOf(path) ?? ''));
  const [first] = files;
  throw new OperatorError(
    'BACKUP_DAMAGED',
    `${tables.join(', ')} of ${executorId} are damaged, as the verification at ${new Date(found.when).toISOString()} found: ` +
      `${first?.path}: ${first?.problem}${files.length > 1 ? `, and ${files.length - 1} more` : ''}`,
    {
      hint: 'Name other tables or keyspaces to restore those; or put the right files there and verify the backup again.',
    },
  );
}

async function refuseSchema(context: StepContext, { manifest, selection }: BackupSource): Promise<void> {
  const live = await schemaNow(context, selection.keyspaces);
  const refusals = compareSchema({ tables: selection.tables, types: manifest.types }, live);
  if (refusals.length === 0) return;
  throw new OperatorError('SCHEMA_MISMATCH', `the tables cannot take the backup: ${refusals.join('; ')}`, {
    hint: 'Bring the schema to what it was (schema.cql of the backup), or drop the tables: missing ones are made.',
    details: { refusals },
  });
}
