import { messageOf, OperatorError } from '../errors.ts';
import { storedBytes, type BackupRecord, type ManifestFile, type NodeManifest } from '../model/backup.ts';
import { tableOf } from '../model/backup-summary.ts';
import { fileKey, manifestKey, nodeKey, recordKey, schemaKey } from '../storage/layout.ts';
import { manifestText, parseManifest, sha256Of } from '../storage/manifest.ts';
import { readRecord } from './backup-source.ts';
import { eachKeyspace } from './each-keyspace.ts';
import { partsFor } from './find-inspector.ts';
import { Inspection } from './inspection.ts';
import type { StepContext } from './step-context.ts';
import { transferAll } from './transfers.ts';
import { schemaText } from './store-manifest.ts';

/** Written beside a node backup while it was made; see backup-progress.ts. */
const DOCUMENTS = new Set(['manifest.json', 'schema.cql', 'started.json']);

/**
 * Holds this node's share of a backup against its documents: checksums of these, presence and sizes of the files, and with `deep` every
 * byte. Damage is a finding, reported by keyspace, not a failure of the step. Throws BACKUP_NOT_FOUND, BACKUP_INCOMPLETE.
 */
export async function nodeInspect(context: StepContext): Promise<void> {
  const { request, reporter } = context;
  const found = await recordOrDamage(context);
  const inspection = new Inspection(found.recordSha256);
  if (found.record === null) {
    inspection.damaged(null, recordKey(request.cluster, request.backupName), found.problem);
    reporter.error(new OperatorError('BACKUP_DAMAGED', found.problem));
  } else {
    const parts = partsFor(found.record.nodes, request.inspectors ?? [], request.executorId);
    const manifests: NodeManifest[] = [];
    for (const part of parts) {
      const manifest = await readPart(context, part, inspection);
      if (manifest !== null) manifests.push(manifest);
    }
    const files = manifests.flatMap((manifest) => manifest.files);
    // Who has not the keys cannot say that anything is damaged.
    if (request.deep) await context.storage.coding.checkReadable(files.map(({ encoding }) => encoding));
    reporter.plan([...new Set(manifests.flatMap(({ keyspaces }) => keyspaces))]);
    const bytes = request.deep ? files.reduce((sum, { size }) => sum + size, 0) : 0;
    reporter.expect({ bytes, files: files.length });
    for (const manifest of manifests) await inspectPart(context, manifest, inspection);
  }
  reporter.inspection(inspection.report);
}

type Found = { record: BackupRecord; recordSha256: string } | { record: null; recordSha256: string; problem: string };

async function recordOrDamage(context: StepContext): Promise<Found> {
  const { request, storage } = context;
  try {
    return await readRecord(context);
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== 'BACKUP_DAMAGED') throw error;
    const text = await storage.getDocument(recordKey(request.cluster, request.backupName));
    return { record: null, recordSha256: sha256Of(text ?? ''), problem: error.message };
  }
}

/** The part's manifest; null where there is none that the record would know again, so that nothing can be held against it. */
async function readPart(
  { request, storage, reporter }: StepContext,
  { executorId, manifestSha256 }: BackupRecord['nodes'][number],
  inspection: Inspection,
): Promise<NodeManifest | null> {
  const { cluster, backupName } = request;
  const key = manifestKey(cluster, executorId, backupName);
  const fail = (problem: string): null => {
    inspection.damaged(executorId, 'manifest.json', problem);
    reporter.error(new OperatorError('BACKUP_DAMAGED', `${key}: ${problem}; its files could not be inspected`));
    return null;
  };
  const text = await manifestText(storage, { cluster, executorId, name: backupName }, manifestSha256);
  if (text === null) return fail('it is missing');
  const sha256 = sha256Of(text);
  if (sha256 !== manifestSha256) return fail(`expected sha256 ${manifestSha256} as in the record, got ${sha256}`);
  let manifest: NodeManifest;
  try {
    manifest = parseManifest(text, key);
  } catch (error) {
    return fail(messageOf(error));
  }
  const whose = `${manifest.cluster}/${manifest.executorId}/${manifest.backupName}`;
  if (whose !== nodeKey(cluster, executorId, backupName)) return fail(`it is the manifest of ${whose}`);
  const schema = await storage.getDocument(schemaKey(cluster, executorId, backupName));
  if (schema !== schemaText(manifest.schema)) {
    const problem = schema === null ? 'it is missing' : 'it is not the schema that the manifest holds';
    inspection.damaged(executorId, 'schema.cql', problem);
    reporter.error(
      new OperatorError(
        'BACKUP_DAMAGED',
        `${schemaKey(cluster, executorId, backupName)}: ${problem}; restores do not need it`,
      ),
    );
  }
  return manifest;
}

async function inspectPart(context: StepContext, manifest: NodeManifest, inspection: Inspection): Promise<void> {
  const { executorId } = manifest;
  const sizes = await storedSizes(context, manifest, inspection);
  await eachKeyspace(context, manifest.keyspaces, async (keyspace) => {
    const files = manifest.files.filter(({ path }) => path.startsWith(`${keyspace}/`));
    const bad = new Set<string>();
    const before = inspection.damagedFiles;
    for (const { keyspace: of, table } of manifest.tables) if (of === keyspace) context.reporter.table(keyspace, table);
    await transferAll(files, context.signal, async (file, signal) => {
      const problem = await problemOf({ ...context, signal }, manifest, file, sizes);
      const table = tableOf(file.path) ?? file.path;
      if (problem !== null) {
        inspection.damaged(executorId, file.path, problem);
        bad.add(table);
      }
      context.reporter.filesDone(keyspace, table.slice(keyspace.length + 1), { files: 1, bytes: file.size });
    });
    inspection.inspected(files.length);
    const damaged = inspection.damagedFiles - before;
    if (damaged === 0) return;
    const [table] = bad;
    throw new OperatorError(
      'BACKUP_DAMAGED',
      `${damaged} of ${files.length} files of keyspace ${keyspace} of ${executorId} are damaged, in ${[...bad].toSorted().join(', ')}`,
      { details: bad.size === 1 ? { table: table?.slice(keyspace.length + 1) } : {} },
    );
  });
}

/** Sizes of the files that the manifest names, by key; the others are noted as extra. */
async function storedSizes(
  { request, storage, signal }: StepContext,
  manifest: NodeManifest,
  inspection: Inspection,
): Promise<Map<string, number>> {
  const { cluster, backupName } = request;
  const own = `${nodeKey(cluster, manifest.executorId, backupName)}/`;
  const keys = new Set(manifest.files.map((file) => keyOf(manifest, file)));
  const sizes = new Map<string, number>();
  const folders = new Set([own, ...[...keys].map((key) => `${key.split('/').slice(0, 3).join('/')}/`)]);
  for (const folder of folders) {
    for await (const { key, size } of storage.list(folder)) {
      signal.throwIfAborted();
      if (keys.has(key)) sizes.set(key, size);
      else if (folder === own && !DOCUMENTS.has(key.slice(own.length)))
        inspection.extra(manifest.executorId, key.slice(own.length));
    }
  }
  return sizes;
}

async function problemOf(
  { request, storage, reporter, signal }: StepContext,
  manifest: NodeManifest,
  file: ManifestFile,
  sizes: Map<string, number>,
): Promise<string | null> {
  const key = keyOf(manifest, file);
  const at = file.source === undefined ? '' : ` (${key})`;
  const size = sizes.get(key);
  if (size === undefined) return `it is missing${at}`;
  if (size !== storedBytes(file)) return `it has ${size} bytes instead of ${storedBytes(file)}${at}`;
  if (!request.deep) return null;
  reporter.current(file.path);
  try {
    const { encoding } = file;
    const stored = await storage.checksum(key, {
      signal,
      onBytes: (bytes) => reporter.moved(bytes),
      encoding,
      crc32: false,
    });
    if (stored === null) return `it is missing${at}`;
    return stored.sha256 === file.sha256 ? null : `expected sha256 ${file.sha256}, got ${stored.sha256}${at}`;
  } catch (error) {
    if (error instanceof OperatorError && error.code === 'BACKUP_DAMAGED') return error.message;
    // A bad block is the file's own; a location that cannot be read at all says nothing of it.
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    if (cause?.code === 'EIO') return `it cannot be read: ${messageOf(error)}`;
    throw error;
  }
}

function keyOf({ cluster, executorId, backupName }: NodeManifest, { source, path }: ManifestFile): string {
  return source ?? fileKey(cluster, executorId, backupName, path);
}
