import { dirname, join } from 'node:path';
import { digestComponent, parseComponent, readDigest } from '../cassandra/sstables.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { storedBytes, type FileEncoding, type ManifestFile } from '../model/backup.ts';
import { fileKey } from '../storage/layout.ts';
import type { BackupProgress } from './backup-progress.ts';
import { identify, settlesIn, type Digest, type DigestCache, type FileIdentity } from './digest-cache.ts';
import type { EarlierFiles } from './earlier-files.ts';
import { isMissing } from './local-files.ts';
import type { StepContext } from './step-context.ts';

/** What a backup knows of files before it reads them. */
export interface Knowledge {
  /** Earlier attempts of the same backup. */
  progress: BackupProgress;
  /** The node's files. */
  digests: DigestCache;
  /** The node's earlier backups at the location. */
  earlier: EarlierFiles;
  /** Whether what lies there already, so encoded, is as good as what would be stored now. */
  mayRefer: (encoding: FileEncoding | undefined) => boolean;
}

/** One file on its way from the snapshot to the location. */
export interface Source extends Omit<ManifestFile, 'sha256'> {
  keyspace: string;
  table: string;
  /** The table for the digest cache: one that was dropped and made again is another. */
  tableKey: string;
  /** Absolute path in the snapshot. */
  from: string;
}

/** A file of the backup; `sent`: its bytes were not at the location yet. */
export type StoredComponent = ManifestFile & { sent: boolean };

/**
 * Brings one file into the backup. In this order: an earlier attempt has stored it; an earlier backup holds its content, so it is linked to
 * that; it is sent. It is read only where its digest is not known. Throws SSTABLE_CORRUPT where Data.db is not what Cassandra wrote.
 */
export async function storeFile(
  context: StepContext,
  known: Knowledge,
  source: Source,
  signal: AbortSignal,
): Promise<StoredComponent> {
  const { storage, reporter } = context;
  const { path, size, dataDirectory, from } = source;
  const reader = await SourceReader.open(context, known.digests, source, signal);
  const mayBeThere = known.progress.file(path)?.size === size || known.earlier.mayHold(size);
  const digest = mayBeThere ? await reader.digest() : undefined;
  const there = digest && (await storeUnsent(context, known, source, digest, { older: false, signal }));
  if (there) return there;
  const key = known.progress.keyOf(path);
  const { crc32: _, ...stored } = await reader.read(() =>
    storage.putFile(key, from, { signal, onBytes: (bytes) => reporter.moved(bytes) }),
  );
  return { path, ...stored, ...sourceOf(context, path, key), dataDirectory, sent: true };
}

/** As storeFile, but only a file that needs neither be read nor sent; null for all others. */
export async function storeKnownFile(
  context: StepContext,
  known: Knowledge,
  source: Source,
  signal: AbortSignal,
): Promise<StoredComponent | null> {
  const digest = (await SourceReader.open(context, known.digests, source, signal)).remembered();
  return digest === undefined ? null : storeUnsent(context, known, source, digest, { older: true, signal });
}

/** Null where neither an earlier attempt nor an earlier backup has brought that content to the location. */
async function storeUnsent(
  context: StepContext,
  known: Knowledge,
  { path, size, dataDirectory }: Source,
  { sha256 }: Digest,
  { older, signal }: { older: boolean; signal: AbortSignal },
): Promise<StoredComponent | null> {
  const { storage, reporter } = context;
  const before = known.progress.file(path);
  if (before?.size === size && before.sha256 === sha256 && known.mayRefer(before.encoding)) {
    reporter.moved(size);
    return { path, sent: true, ...before, dataDirectory };
  }
  const key = known.progress.keyOf(path);
  for await (const { key: earlier, storedBy, encoding } of known.earlier.copies({ size, sha256 }, older)) {
    signal.throwIfAborted();
    const expected = { size: storedBytes({ size, ...encoding }), unchangedSince: storedBy };
    const outcome = await storage.link(earlier, key, expected);
    if (outcome === 'NONE') continue;
    reporter.moved(size);
    const where = sourceOf(context, path, outcome === 'REFERENCED' ? earlier : key);
    return { path, size, sha256, ...encoding, ...where, dataDirectory, sent: false };
  }
  return null;
}

/** What a manifest says of a file whose bytes do not lie where its path does. */
function sourceOf({ request }: StepContext, path: string, key: string): Pick<ManifestFile, 'source'> {
  const { cluster, executorId, backupName } = request;
  return key === fileKey(cluster, executorId, backupName, path) ? {} : { source: key };
}

/** Finds out what a file holds, from the cache or by reading it, and holds it against Cassandra's own checksum. */
class SourceReader {
  readonly #context: StepContext;
  readonly #digests: DigestCache;
  readonly #source: Source;
  readonly #signal: AbortSignal;
  /** Null: it has gone, which whoever reads it will say. */
  readonly #file: FileIdentity | null;
  /** The CRC-32 that Cassandra wrote beside a Data.db. */
  readonly #expected: number | null;
  #digest: Digest | undefined;

  private constructor(
    context: StepContext,
    digests: DigestCache,
    source: Source,
    signal: AbortSignal,
    { file, expected }: { file: FileIdentity | null; expected: number | null },
  ) {
    this.#context = context;
    this.#digests = digests;
    this.#source = source;
    this.#signal = signal;
    this.#file = file;
    this.#expected = expected;
  }

  static async open(context: StepContext, digests: DigestCache, source: Source, signal: AbortSignal) {
    const file = await identify(source.from);
    const expected = await cassandrasOwn(context, source);
    return new SourceReader(context, digests, source, signal, { file, expected });
  }

  /** Undefined where it changed while it was read, which Cassandra never does. */
  async digest(): Promise<Digest | undefined> {
    this.#digest ??= this.remembered() ?? (await this.#hash());
    return this.#digest;
  }

  /** Runs what reads the whole file, and remembers what it found. */
  async read<D extends Digest>(act: () => Promise<D>): Promise<D> {
    const file = this.#file;
    const { clock } = this.#context;
    const wait = file && settlesIn(file, clock.now());
    if (wait) await clock.sleep(wait, this.#signal);
    const isSettled = file !== null && settlesIn(file, clock.now()) === 0;
    const digest = await act();
    this.#check(digest);
    if (isSettled && (await identify(this.#source.from))?.key === file.key) {
      this.#digests.note(this.#source.tableKey, file, digest);
    }
    return digest;
  }

  /** One that does not fit to Cassandra's own checksum is not trusted: only what is read now may accuse an SSTable. */
  remembered(): Digest | undefined {
    if (this.#context.request.rehash || this.#file === null || this.#file.size !== this.#source.size) return undefined;
    const digest = this.#digests.find(this.#source.tableKey, this.#file);
    return this.#expected === null || digest?.crc32 === this.#expected ? digest : undefined;
  }

  async #hash(): Promise<Digest | undefined> {
    const { pool } = this.#context;
    const job = { source: this.#source.from, target: null, expected: null };
    try {
      return await this.read(async () => {
        const result = await pool.run(job, { signal: this.#signal });
        if (result.outcome === 'done') return result.file;
        throw new ChangedMeanwhile();
      });
    } catch (error) {
      // Whoever stores the file meets the same and says so.
      if (error instanceof ChangedMeanwhile || isMissing(error)) return undefined;
      throw error;
    }
  }

  #check({ crc32 }: Digest): void {
    if (this.#expected === null || crc32 === this.#expected) return;
    const { keyspace, table, from } = this.#source;
    throw new OperatorError(
      'SSTABLE_CORRUPT',
      `${from} is corrupt: Cassandra wrote it with the CRC-32 ${this.#expected}, now it has ${crc32}`,
      {
        details: { table },
        hint: `Repair it first: nodetool scrub ${keyspace} ${table}, then nodetool repair ${keyspace} ${table}.`,
      },
    );
  }
}

class ChangedMeanwhile extends Error {}

/** The CRC-32 that Cassandra wrote beside a Data.db; null for other components and where there is none. */
async function cassandrasOwn({ log }: StepContext, { keyspace, from }: Source): Promise<number | null> {
  const sstable = parseComponent(from.slice(dirname(from).length + 1));
  if (sstable?.component !== 'Data.db') return null;
  try {
    return await readDigest(join(dirname(from), digestComponent(sstable)));
  } catch (error) {
    if (!isMissing(error)) {
      throw error instanceof OperatorError ? error : wrapError(`read the checksum of ${from}`, error, 'STORAGE_FAILED');
    }
    log.warn({ keyspace, sstable: from }, 'SSTable without Digest.crc32: its content could not be checked');
    return null;
  }
}
