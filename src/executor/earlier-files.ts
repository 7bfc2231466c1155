import { OperatorError } from '../errors.ts';
import type { ManifestFile, NodeManifest, Verification } from '../model/backup.ts';
import { fileKey, manifestKey, recordKey } from '../storage/layout.ts';
import { manifestText, parseManifest, parseRecord, sha256Of } from '../storage/manifest.ts';
import { readDeletion, readVerification } from '../storage/verification.ts';
import type { StepContext } from './step-context.ts';

/** A file of an earlier backup. */
export interface EarlierFile {
  /** Where its bytes lie. */
  key: string;
  /** Epoch ms of its backup's end: what was changed later is not what was stored. */
  storedBy: number;
}

/** Files that are remembered: some dozens of megabytes. */
const MOST_FILES = 100_000;

/** Copies of one content that are remembered: where one cannot be linked to, the next may. */
const MOST_COPIES = 3;

/** What this node's earlier backups hold at the location, by content. */
export class EarlierFiles {
  readonly #byContent = new Map<string, EarlierFile[]>();
  readonly #sizes = new Set<number>();
  #count = 0;

  get isFull(): boolean {
    return this.#count >= MOST_FILES;
  }

  add(file: Pick<ManifestFile, 'size' | 'sha256'>, earlier: EarlierFile): void {
    if (this.isFull) return;
    this.#count += 1;
    this.#sizes.add(file.size);
    const content = contentOf(file);
    const copies = this.#byContent.get(content) ?? [];
    if (copies.length < MOST_COPIES) copies.push(earlier);
    this.#byContent.set(content, copies);
  }

  /** False: no earlier file has that size, so that it is not worth while to hash a file before it is sent. */
  mayHold(size: number): boolean {
    return this.#sizes.has(size);
  }

  /** Files of that content, of the newest backup first. */
  find(file: Pick<ManifestFile, 'size' | 'sha256'>): readonly EarlierFile[] {
    return this.#byContent.get(contentOf(file)) ?? [];
  }
}

/** A backup of the past by its record. */
interface Earlier {
  name: string;
  finished: number;
  manifestSha256: string;
  verification: Verification | null;
}

/**
 * Reads what this node's backups at the location hold, the newest first, and only those whose record is there and names this very
 * manifest. Content that a verification found damaged counts only where it was stored after that.
 */
export async function readEarlierFiles(context: StepContext): Promise<EarlierFiles> {
  const files = new EarlierFiles();
  const backups = await earlierBackups(context);
  const damagedUntil = new Map<string, number>();
  for (const backup of backups.filter(({ verification }) => (verification?.damaged.length ?? 0) > 0)) {
    const manifest = await manifestOf(context, backup);
    for (const file of damagedIn(manifest, backup.verification)) {
      const content = contentOf(file);
      damagedUntil.set(content, Math.max(backup.verification?.when ?? 0, damagedUntil.get(content) ?? 0));
    }
  }
  for (const backup of backups) {
    if (files.isFull) break;
    const manifest = await manifestOf(context, backup);
    for (const file of manifest?.files ?? []) {
      if (manifest === null || manifest.started <= (damagedUntil.get(contentOf(file)) ?? -1)) continue;
      const { cluster, executorId, backupName, finished } = manifest;
      const key = file.source ?? fileKey(cluster, executorId, backupName, file.path);
      files.add(file, { key, storedBy: finished });
    }
  }
  return files;
}

/** The newest first. One that is being deleted is none any more. */
async function earlierBackups({ request, storage, signal, log }: StepContext): Promise<Earlier[]> {
  const { cluster, executorId, backupName } = request;
  const backups: Earlier[] = [];
  for (const name of await storage.folders(`${cluster}/${executorId}/`)) {
    signal.throwIfAborted();
    if (name === backupName) continue;
    try {
      const key = recordKey(cluster, name);
      const text = await storage.getDocument(key);
      if (text === null || (await readDeletion(storage, cluster, name)) !== null) continue;
      const record = parseRecord(text, key);
      const part = record.nodes.find((node) => node.executorId === executorId);
      if (record.cluster !== cluster || record.name !== name || part === undefined) continue;
      const verification = await readVerification(storage, cluster, name, sha256Of(text));
      backups.push({ name, finished: record.finished, manifestSha256: part.manifestSha256, verification });
    } catch (error) {
      if (!isBroken(error)) throw error;
      log.warn({ backup: name, err: error }, 'an earlier backup cannot be used: what it holds is sent again');
    }
  }
  return backups.sort((left, right) => right.finished - left.finished);
}

/** Null when it is not the one that the record names. */
async function manifestOf(
  { request, storage, signal, log }: StepContext,
  backup: Earlier,
): Promise<NodeManifest | null> {
  signal.throwIfAborted();
  const { cluster, executorId } = request;
  const key = manifestKey(cluster, executorId, backup.name);
  const text = await manifestText(storage, { cluster, executorId, name: backup.name }, backup.manifestSha256);
  if (text === null || sha256Of(text) !== backup.manifestSha256) {
    log.warn({ key }, 'an earlier manifest is not the one of its backup: what it names is sent again');
    return null;
  }
  try {
    const manifest = parseManifest(text, key);
    return manifest.cluster === cluster && manifest.executorId === executorId ? manifest : null;
  } catch (error) {
    if (!isBroken(error)) throw error;
    log.warn({ key, err: error }, 'an earlier manifest cannot be read: what it names is sent again');
    return null;
  }
}

/** The list of damaged files may be cut short; then every file of a table that is on it counts as damaged. */
function damagedIn(manifest: NodeManifest | null, verification: Verification | null): ManifestFile[] {
  if (manifest === null || verification === null) return [];
  const own = verification.damaged.filter(
    ({ executorId }) => executorId === null || executorId === manifest.executorId,
  );
  const paths = own.map(({ path }) => path);
  if (verification.damagedFiles === verification.damaged.length) {
    const exact = new Set(paths);
    return manifest.files.filter((file) => exact.has(file.path));
  }
  const tables = new Set(paths.map(tableOf));
  return manifest.files.filter((file) => tables.has(tableOf(file.path)));
}

function tableOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

function contentOf({ size, sha256 }: Pick<ManifestFile, 'size' | 'sha256'>): string {
  return `${sha256} ${size}`;
}

function isBroken(error: unknown): boolean {
  return error instanceof OperatorError && (error.code === 'BACKUP_DAMAGED' || error.code === 'NAME_INVALID');
}
