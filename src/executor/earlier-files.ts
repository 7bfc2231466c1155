import { OperatorError } from '../errors.ts';
import type { ManifestFile, NodeManifest, Verification } from '../model/backup.ts';
import { fileKey, manifestKey, parseDocumentName, recordKey, recordsPrefix } from '../storage/layout.ts';
import { manifestText, parseManifest, parseRecord, sha256Of } from '../storage/manifest.ts';
import { readDeletion, readVerification } from '../storage/verification.ts';
import type { StepContext } from './step-context.ts';

/** A file of an earlier backup. */
export interface EarlierFile {
  /** Where its bytes lie. */
  key: string;
  /** Epoch ms of its backup's end: what was changed later is not what was stored. */
  storedBy: number;
  encoding: Pick<ManifestFile, 'encoding'>;
}

/** Files that are remembered: some dozens of megabytes. */
const MOST_FILES = 100_000;

/** Copies of one content that are tried: where one cannot be linked to, the next may. */
const MOST_COPIES = 3;

/**
 * What this node's earlier backups hold at the location, by content. Their manifests are read from the newest on, as far back as is asked for: a
 * node with a thousand backups finds what it has in the last few.
 */
export class EarlierFiles {
  readonly #older: AsyncIterator<Earlier>;
  readonly #byContent = new Map<string, EarlierFile[]>();
  readonly #sizes = new Set<number>();
  readonly #tables = new Set<string>();
  #count = 0;
  #reading: Promise<boolean> | null = null;

  /** Without an argument there are none. */
  constructor(older: AsyncIterator<Earlier> = none()) {
    this.#older = older;
  }

  /** Reads on until the newest backup of each of these tables (`keyspace.table`) is known. */
  async cover(tables: readonly string[]): Promise<void> {
    const isKnown = (table: string): boolean => this.#tables.has(table);
    while (!tables.every(isKnown) && (await this.#readOlder()));
  }

  /** False: no file that was read of has that size, so that it is not worth while to hash a file before it is sent. */
  mayHold(size: number): boolean {
    return this.#sizes.has(size);
  }

  /** Files of that content, of the newest backup first. `older`: reads on for them; what is new on the node would be sought in vain. */
  async *copies(file: Pick<ManifestFile, 'size' | 'sha256'>, older: boolean): AsyncGenerator<EarlierFile> {
    const content = contentOf(file);
    for (let tried = 0; tried < MOST_COPIES;) {
      const copy = this.#byContent.get(content)?.[tried];
      if (copy !== undefined) {
        tried += 1;
        yield copy;
      } else if (!older || !(await this.#readOlder())) return;
    }
  }

  /** False when there is nothing more. Who asks while it is being read waits for the same manifest. */
  async #readOlder(): Promise<boolean> {
    this.#reading ??= this.#readNext().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readNext(): Promise<boolean> {
    if (this.#count >= MOST_FILES) return false;
    const next = await this.#older.next();
    if (next.done === true) return false;
    for (const { keyspace, table } of next.value.manifest.tables) this.#tables.add(`${keyspace}.${table}`);
    for (const file of next.value.files) this.#add(next.value.manifest, file);
    return true;
  }

  #add({ cluster, executorId, backupName, finished }: NodeManifest, file: ManifestFile): void {
    this.#count += 1;
    this.#sizes.add(file.size);
    const content = contentOf(file);
    const copies = this.#byContent.get(content) ?? [];
    const key = file.source ?? fileKey(cluster, executorId, backupName, file.path);
    const encoding = file.encoding === undefined ? {} : { encoding: file.encoding };
    if (copies.length < MOST_COPIES) copies.push({ key, storedBy: finished, encoding });
    this.#byContent.set(content, copies);
  }
}

async function* none(): AsyncGenerator<never> {
  // There is nothing to read.
}

/** An earlier backup, with those of its files that can be built upon. */
interface Earlier {
  manifest: NodeManifest;
  files: ManifestFile[];
}

/** A backup of the past by its record. */
interface Recorded {
  name: string;
  manifestSha256: string;
  verification: Verification | null;
}

/**
 * This node's backups at the location, and only those whose record is there and names this very manifest. Content that a verification found
 * damaged counts only where it was stored after that.
 */
export async function readEarlierFiles(context: StepContext): Promise<EarlierFiles> {
  const names = await recordedNames(context);
  const damagedUntil = new Map<string, number>();
  for (const { name } of names.filter(({ isVerified }) => isVerified)) {
    const backup = await earlierBackup(context, name);
    if (!backup?.verification?.damaged.length) continue;
    const manifest = await manifestOf(context, backup);
    if (manifest === null) continue;
    // A clock that was ahead when the backup was made must not let its own damage look older than it.
    const until = Math.max(backup.verification.when, manifest.finished);
    for (const file of damagedIn(manifest, backup.verification)) {
      const content = contentOf(file);
      damagedUntil.set(content, Math.max(until, damagedUntil.get(content) ?? 0));
    }
  }
  return new EarlierFiles(sourcesOf(context, names, damagedUntil));
}

async function* sourcesOf(
  context: StepContext,
  names: readonly { name: string }[],
  damagedUntil: ReadonlyMap<string, number>,
): AsyncGenerator<Earlier> {
  const mayRefer = await context.storage.coding.mayRefer();
  for (const { name } of names) {
    context.signal.throwIfAborted();
    const backup = await earlierBackup(context, name);
    const manifest = backup && (await manifestOf(context, backup));
    if (manifest === null) continue;
    const isWhole = (file: ManifestFile): boolean => manifest.started > (damagedUntil.get(contentOf(file)) ?? -1);
    const files = manifest.files.filter((file) => isWhole(file) && mayRefer(file.encoding));
    yield { manifest, files };
  }
}

/** Names that have a record, that which was written last first. */
async function recordedNames({ request, storage }: StepContext): Promise<{ name: string; isVerified: boolean }[]> {
  const { cluster, executorId, backupName } = request;
  const prefix = recordsPrefix(cluster);
  const own = new Set(await storage.folders(`${cluster}/${executorId}/`));
  const written = new Map<string, number>();
  const verified = new Set<string>();
  for await (const { key, modified } of storage.list(prefix)) {
    const document = parseDocumentName(key.slice(prefix.length));
    if (document === null || document.name === backupName || !own.has(document.name)) continue;
    if (document.kind === 'record') written.set(document.name, modified);
    if (document.kind === 'verification') verified.add(document.name);
  }
  const newest = [...written].toSorted(([, left], [, right]) => right - left);
  return newest.map(([name]) => ({ name, isVerified: verified.has(name) }));
}

/** Null where nothing can be built upon it. One that is being deleted is none any more. */
async function earlierBackup({ request, storage, log }: StepContext, name: string): Promise<Recorded | null> {
  const { cluster, executorId } = request;
  try {
    const key = recordKey(cluster, name);
    const text = await storage.getDocument(key);
    if (text === null || (await readDeletion(storage, cluster, name)) !== null) return null;
    const record = parseRecord(text, key);
    const part = record.nodes.find((node) => node.executorId === executorId);
    if (record.cluster !== cluster || record.name !== name || part === undefined) return null;
    const verification = await readVerification(storage, cluster, name, sha256Of(text));
    return { name, manifestSha256: part.manifestSha256, verification };
  } catch (error) {
    if (!isBroken(error)) throw error;
    log.warn({ backup: name, err: error }, 'an earlier backup cannot be used: what it holds is sent again');
    return null;
  }
}

/** Null when it is not the one that the record names. */
async function manifestOf(
  { request, storage, signal, log }: StepContext,
  backup: Recorded,
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
export function damagedIn<F extends Pick<ManifestFile, 'path'>>(
  manifest: { executorId: string; files: readonly F[] },
  verification: Verification,
): F[] {
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
