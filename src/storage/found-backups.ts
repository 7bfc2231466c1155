import { OperatorError } from '../errors.ts';
import type { BackupRecord } from '../model/backup.ts';
import { adoptedFrom } from './foreign-backups.ts';
import { fileKey, manifestKey, nodeFolders, nodeKey, parseDocumentName, recordsPrefix } from './layout.ts';
import { parseManifest, parseRecord, sha256Of } from './manifest.ts';
import type { Storage } from './storage.ts';
import type { FoundName, FoundPart } from './sweep-rule.ts';
import { isBackupName } from '../model/backup-name.ts';

/** What lies at a location under the name of a backup. */
export interface FoundBackupFiles extends FoundName {
  name: string;
  /** Executors with a folder of that name, also those that the record names. */
  folders: string[];
}

/**
 * Everything that has the name of a backup of a cluster, for the rule that tells rubbish (sweep-rule.ts). `parts` has the folders that no record
 * names; all of them where a document is not what the record says.
 */
export async function* foundBackups(
  storage: Storage,
  cluster: string,
  signal: AbortSignal,
): AsyncGenerator<FoundBackupFiles> {
  const documents = await recordedDocuments(storage, cluster);
  const folders = await nodeFoldersByName(storage, cluster);
  const records = new Map<string, FoundName['record']>();
  for (const name of new Set([...documents.keys(), ...folders.keys()])) {
    records.set(name, documents.get(name)?.record ? await readRecord(storage, cluster, name) : 'NONE');
  }
  const anyRecord = [...records.values()].some((record) => record !== 'NONE');
  const named = new Set([...records.values()].flatMap(manifestsOf));
  for (const [name, record] of records) {
    signal.throwIfAborted();
    const { deleting = false, verified = null } = documents.get(name) ?? {};
    const all = folders.get(name) ?? [];
    const parts: FoundPart[] = [];
    for (const executorId of deleting ? [] : all) {
      const part = await foundPart(storage, { cluster, executorId, name }, named);
      const own = typeof record === 'object' && record.nodes.find((node) => node.executorId === executorId);
      if (!own) parts.push(part);
      else if (own.manifestSha256 !== part.sha256) parts.push({ ...part, maker: 'UNCLEAR' });
    }
    yield { name, deleting, verified, record, parts, anyRecord, folders: all };
  }
}

function manifestsOf(record: FoundName['record']): string[] {
  return typeof record === 'object' ? record.nodes.map(({ manifestSha256 }) => manifestSha256) : [];
}

async function readRecord(storage: Storage, cluster: string, name: string): Promise<BackupRecord | 'UNCLEAR'> {
  const key = `${recordsPrefix(cluster)}${name}.json`;
  try {
    const record = parseRecord((await storage.getDocument(key)) ?? '', key);
    return record.cluster === cluster && record.name === name ? record : 'UNCLEAR';
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== 'BACKUP_DAMAGED') throw error;
    return 'UNCLEAR';
  }
}

interface Place {
  cluster: string;
  executorId: string;
  name: string;
}

async function foundPart(
  storage: Storage,
  place: Place,
  named: ReadonlySet<string>,
): Promise<FoundPart & { sha256: string | null }> {
  const { cluster, executorId, name } = place;
  const manifest = await storage.getDocument(manifestKey(cluster, executorId, name));
  const started = await storage.getDocument(fileKey(cluster, executorId, name, 'started.json'));
  const sha256 = manifest === null ? null : sha256Of(manifest);
  const isNamed = sha256 !== null && named.has(sha256);
  const maker = isNamed ? 'OURS' : makerOf(place, manifest, started);
  // Its age decides only where it may go.
  const newest = maker === 'OURS' && !isNamed ? await newestChange(storage, place) : 0;
  return { executorId, maker, isNamed, newest, sha256 };
}

function makerOf(place: Place, manifest: string | null, started: string | null): FoundPart['maker'] {
  const makers = [
    ...(manifest === null ? [] : [manifestMaker(place, manifest)]),
    ...(started === null ? [] : [startedMaker(started)]),
  ];
  return (
    makers.find((maker) => maker === 'UNCLEAR') ?? makers.find((maker) => maker === 'ADOPTED') ?? makers[0] ?? 'FOREIGN'
  );
}

function manifestMaker({ cluster, executorId, name }: Place, text: string): FoundPart['maker'] {
  try {
    const manifest = parseManifest(text, 'the manifest');
    if (manifest.cluster !== cluster || manifest.executorId !== executorId || manifest.backupName !== name)
      return 'UNCLEAR';
    return manifest.adopted ? 'ADOPTED' : 'OURS';
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== 'BACKUP_DAMAGED') throw error;
    return 'UNCLEAR';
  }
}

function startedMaker(text: string): FoundPart['maker'] {
  try {
    const marker = JSON.parse(text) as { jobUuid?: unknown } | null;
    if (typeof marker?.jobUuid !== 'string') return 'UNCLEAR';
    return adoptedFrom(text) === null ? 'OURS' : 'ADOPTED';
  } catch {
    return 'UNCLEAR';
  }
}

async function newestChange(storage: Storage, { cluster, executorId, name }: Place): Promise<number> {
  let newest = 0;
  for await (const { changed } of storage.list(`${nodeKey(cluster, executorId, name)}/`)) {
    newest = Math.max(newest, changed);
  }
  return newest;
}

interface Documents {
  record: boolean;
  deleting: boolean;
  verified: number | null;
}

async function recordedDocuments(storage: Storage, cluster: string): Promise<Map<string, Documents>> {
  const prefix = recordsPrefix(cluster);
  const found = new Map<string, Documents>();
  for await (const { key, changed } of storage.list(prefix)) {
    const document = parseDocumentName(key.slice(prefix.length));
    if (document === null) continue;
    const before = found.get(document.name) ?? { record: false, deleting: false, verified: null };
    found.set(document.name, {
      record: before.record || document.kind === 'record',
      deleting: before.deleting || document.kind === 'deletion',
      verified: document.kind === 'verification' ? changed : before.verified,
    });
  }
  return found;
}

async function nodeFoldersByName(storage: Storage, cluster: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const executorId of nodeFolders(await storage.folders(`${cluster}/`))) {
    for (const name of (await storage.folders(`${cluster}/${executorId}/`)).filter(isBackupName)) {
      found.set(name, [...(found.get(name) ?? []), executorId]);
    }
  }
  return found;
}
