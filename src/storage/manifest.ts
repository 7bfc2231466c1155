import { createHash } from 'node:crypto';
import { z } from 'zod';
import { OperatorError, messageOf } from '../errors.ts';
import { isBackupName } from '../model/backup-name.ts';
import type { BackupRecord, NodeManifest } from '../model/backup.ts';
import { keptManifestKey, keyProblem, manifestKey } from './layout.ts';
import { withReferences } from './references.ts';
import type { Storage } from './storage.ts';

/** The version of documents that this version writes and reads. */
const VERSION = 1;

const count = z.int().nonnegative();
const hex = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');
const token = z.string().regex(/^-?\d+$/, 'expected a decimal number as text');
// Problems are put into words only when there are some: a manifest may have 100,000 paths.
/** A path that stays in its folder. */
const path = z.string().refine((value) => keyProblem(value) === null, {
  error: ({ input }) => `expected a relative path, but ${keyProblem(String(input))}`,
});
const mode = z.enum(['incremental', 'full']);
const compression = z.enum(['lz4', 'zstd', 'gzip', 'lzop']);
const backupName = z.string().refine(isBackupName, 'expected a backup name');

// The order of the fields is the order in the documents.
const manifestSchema = z.object({
  version: z.literal(VERSION),
  cluster: path,
  backupName,
  jobUuid: z.string(),
  executorId: path,
  hostId: z.string(),
  hostname: z.string(),
  ip: z.string(),
  datacenter: z.string(),
  rack: z.string(),
  tokens: z.array(token),
  cassandraVersion: z.string(),
  partitioner: z.string(),
  schemaVersion: z.string(),
  started: count,
  finished: count,
  mode: z.exactOptional(mode),
  filesSent: z.exactOptional(count),
  bytesSent: z.exactOptional(count),
  adopted: z.exactOptional(z.literal(true)),
  adoptedFrom: z.exactOptional(path),
  keyspaces: z.array(z.string()),
  tables: z.array(
    z.object({
      keyspace: z.string(),
      table: z.string(),
      id: z.string(),
      viewOf: z.string().nullable(),
      columns: z.array(
        z.object({
          name: z.string(),
          kind: z.string(),
          type: z.string(),
          position: z.int(),
          clusteringOrder: z.string(),
        }),
      ),
      droppedColumns: z.array(z.string()),
    }),
  ),
  types: z.array(
    z.object({
      keyspace: z.string(),
      name: z.string(),
      fields: z.array(z.object({ name: z.string(), type: z.string() })),
    }),
  ),
  schema: z.array(z.object({ keyspace: z.string(), type: z.string(), name: z.string(), cql: z.string() })),
  files: z.array(
    z.object({
      path,
      size: count,
      sha256: hex,
      encoding: z.exactOptional(
        z.object({
          stored: count,
          compression: z.exactOptional(compression),
          keyId: z.exactOptional(z.string()),
          keyCheck: z.exactOptional(z.string()),
        }),
      ),
      source: z.exactOptional(path),
      dataDirectory: count,
    }),
  ),
});

const recordSchema = z.object({
  version: z.literal(VERSION),
  cluster: path,
  name: backupName,
  jobUuid: z.string(),
  location: z.string(),
  started: count,
  finished: count,
  result: z.enum(['SUCCESS', 'PARTIAL']),
  mode: z.exactOptional(mode),
  adopted: z.exactOptional(z.literal(true)),
  adoptedFrom: z.exactOptional(path),
  nodes: z.array(
    z.object({
      executorId: path,
      hostId: z.string(),
      hostname: z.string(),
      ip: z.string(),
      tokens: z.array(token),
      schemaVersion: z.string(),
      cassandraVersion: z.exactOptional(z.string()),
      manifestSha256: hex,
      files: count,
      bytes: count,
      filesSent: z.exactOptional(count),
      bytesSent: z.exactOptional(count),
    }),
  ),
  missing: z.array(
    z.object({
      executorId: z.string(),
      keyspace: z.string().nullable(),
      table: z.exactOptional(z.string()),
      reason: z.string(),
    }),
  ),
  keyspaces: z.exactOptional(z.record(z.string(), z.object({ tables: count, files: count, bytes: count }))),
  keyIds: z.exactOptional(z.array(z.string())),
  encrypted: z.exactOptional(z.literal(true)),
  compression: z.exactOptional(z.array(compression)),
});

/** Reads a node's manifest. Throws BACKUP_DAMAGED that names the key and the field. */
export function parseManifest(text: string, key: string): NodeManifest {
  const manifest: NodeManifest = parse(manifestSchema, text, key);
  const seen = new Set<string>();
  for (const [index, file] of manifest.files.entries()) {
    if (seen.has(file.path)) throw damaged(key, `files[${index}].path: "${file.path}" is listed twice`);
    seen.add(file.path);
  }
  return manifest;
}

/** Reads a cluster's record of a backup. Throws BACKUP_DAMAGED that names the key and the field. */
export function parseRecord(text: string, key: string): BackupRecord {
  const record: BackupRecord = parse(recordSchema, text, key);
  if (record.result === 'SUCCESS' && record.missing.length > 0) {
    throw damaged(key, 'missing: expected none, because result is SUCCESS');
  }
  return record;
}

/**
 * The text of a node's manifest that is known by its checksum: the one in its place, or the one that was kept while a backup is resumed. Null
 * when there is none; whose checksum is another one is returned as it is, for the reader to refuse.
 */
export async function manifestText(
  storage: Pick<Storage, 'getDocument'>,
  { cluster, executorId, name }: { cluster: string; executorId: string; name: string },
  sha256: string,
): Promise<string | null> {
  const text = await storage.getDocument(manifestKey(cluster, executorId, name));
  if (text !== null && sha256Of(text) === sha256) return text;
  return (await storage.getDocument(keptManifestKey(cluster, executorId, name, sha256))) ?? text;
}

/**
 * The manifest as it is stored: the same text for the same content. `instead`: checksum of the one that is kept beside it until its record is
 * there. Throws BACKUP_DAMAGED when a field is wrong.
 */
export function stringifyManifest(manifest: NodeManifest, instead: string | null = null): string {
  const { version, cluster, backupName: name, ...rest } = check(manifestSchema, manifest, 'the manifest to be stored');
  const head = { version, cluster, backupName: name };
  return withReferences((references) => stringify({ ...head, references, ...rest }), manifest, instead);
}

/** The record as it is stored: the same text for the same content. Throws BACKUP_DAMAGED when a field is wrong. */
export function stringifyRecord(record: BackupRecord): string {
  return stringify(check(recordSchema, record, 'the record to be stored'));
}

/** Lower-case hex of a document's text. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function stringify(document: unknown): string {
  return `${JSON.stringify(document, null, 1)}\n`;
}

function parse<T>(schema: z.ZodType<T>, text: string, key: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(key, `it is no JSON (${messageOf(error)})`, error);
  }
  return check(schema, value, key);
}

function check<T>(schema: z.ZodType<T>, value: unknown, key: string): T {
  const { version } = Object(value) as { version?: unknown };
  if (typeof version === 'number' && version > VERSION) {
    throw new OperatorError(
      'BACKUP_DAMAGED',
      `expected ${key} in version ${VERSION}, got version ${version}: made by a newer version of cassandra-mesos`,
      { hint: 'Use that newer version to restore this backup.' },
    );
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw damaged(key, `${fieldName(issue?.path ?? [])}: ${issue?.message}`, result.error);
}

/** `files[3].path` */
function fieldName(parts: PropertyKey[]): string {
  const name = parts.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return name === '' ? 'the document' : name.replace(/^\./, '');
}

function damaged(key: string, problem: string, cause?: unknown): OperatorError {
  return new OperatorError('BACKUP_DAMAGED', `${key} is damaged: ${problem}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Restore from another backup, or put the right file there.',
  });
}
