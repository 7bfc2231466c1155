import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { OperatorError } from '../../errors.ts';
import type { Compression, FileEncoding } from '../../model/backup.ts';
import type { CopyPool } from '../copy-pool.ts';
import { Replaced } from '../objects/download.ts';
import type { KeptUploads } from '../objects/kept-uploads.ts';
import { toldOnce } from '../objects/told-once.ts';
import { isSameFile } from '../same-file.ts';
import { damaged, explained } from '../storage-errors.ts';
import type { Coding, ExpectedFile, ReadFile, Storage, StoredFile, TransferOptions } from '../storage.ts';
import { CODECS } from './codecs.ts';
import { decode } from './decode.ts';
import { DelegatedStorage } from './delegated-storage.ts';
import { encode, type Chunk } from './encode.ts';
import { FrameCipher, SALT_BYTES } from './frame-cipher.ts';
import { FRAME_BYTES, writeHeader } from './header.ts';
import { KeptSalt, SaltSpent } from './kept-salt.ts';
import type { Key } from './key-ring.ts';
import type { Keys } from './keys.ts';
import { factsOf, writeExpected } from './plain-file.ts';
import { isCompressedSSTable, SourceFile } from './source-file.ts';

export interface CodedStorageDeps {
  /** The location as an operator writes it. */
  url: string;
  pool: CopyPool;
  /** How what is put is compressed, where that helps. */
  compression: Compression | null;
  keys: Keys;
  /** Where the salts of uploads are kept, so that another process goes on with them. By default nowhere. */
  uploads?: KeptUploads | undefined;
}

/** Bytes up to which a file is sent in one request, as far as stores of objects go: there is nothing to go on with. */
const SMALL = 8 * 1024 ** 2;

/** Where the first chunk of a file does not become so much smaller, none of it is compressed. */
const WORTH_IT = 7 / 8;

/**
 * Compresses and encrypts files on their way to a storage of any kind, and the other way round. Documents stay in clear, so that what there is can be
 * told without a key. A file is read as its manifest says that it was stored, whatever the location says now.
 */
export class CodedStorage extends DelegatedStorage {
  readonly #url: string;
  readonly #pool: CopyPool;
  readonly #compression: Compression | null;
  readonly #keys: Keys;
  readonly #uploads: KeptUploads | undefined;

  constructor(inner: Storage, { url, pool, compression, keys, uploads }: CodedStorageDeps) {
    super(inner);
    this.#url = url;
    this.#pool = pool;
    this.#compression = compression;
    this.#keys = keys;
    this.#uploads = uploads;
  }

  override get url(): string {
    return this.#url;
  }

  override get coding(): Coding {
    return this.#keys;
  }

  override async putFile(key: string, sourcePath: string, options: TransferOptions = {}): Promise<StoredFile> {
    options.signal?.throwIfAborted();
    const secret = await this.#keys.first();
    const isCompressed = this.#compression !== null && (await isCompressedSSTable(sourcePath));
    const compression = isCompressed ? null : this.#compression;
    if (secret === null && compression === null) return this.inner.putFile(key, sourcePath, options);
    const oneMore = toldOnce(options);
    try {
      return await this.#putFile(key, sourcePath, { compression, secret, uploads: this.#uploads }, oneMore());
    } catch (error) {
      if (!(error instanceof SaltSpent)) throw error;
      // What was sent under that salt is given up, and nothing else was.
      return await this.#putFile(key, sourcePath, { compression, secret }, oneMore());
    }
  }

  override async getFile(
    key: string,
    targetPath: string,
    expected: ExpectedFile,
    options: TransferOptions = {},
  ): Promise<void> {
    const { encoding } = expected;
    if (encoding === undefined) return this.inner.getFile(key, targetPath, expected, options);
    const act = {
      operation: `fetching ${key} to ${targetPath}`,
      directory: dirname(targetPath),
      needed: expected.size,
    };
    await explained(act, async () => {
      if (await isSameFile(this.#pool, targetPath, expected, options)) return;
      await twice(options, async (how) => {
        const content = await this.#read(key, encoding, how);
        if (content === null) throw damaged(key, expected, 'there is no such file');
        const got = await writeExpected(content, targetPath, expected, how);
        if (got === null) return;
        const sum = got.size === expected.size ? ` with sha256 ${got.sha256}` : '';
        throw damaged(key, expected, `it has ${got.size} bytes${sum}`);
      });
    });
  }

  override async checksum(
    key: string,
    { encoding, ...options }: NonNullable<Parameters<Storage['checksum']>[1]> = {},
  ): Promise<ReadFile | null> {
    if (encoding === undefined) return this.inner.checksum(key, options);
    return twice(options, async (how) => {
      const content = await this.#read(key, encoding, how);
      return content && { ...(await factsOf(content, how)), encoding };
    });
  }

  async #putFile(key: string, sourcePath: string, how: HowToPut, options: TransferOptions): Promise<StoredFile> {
    const source = await SourceFile.open(sourcePath);
    try {
      const first = await firstChunk(source, how.compression);
      const compression = first.packed === undefined ? null : how.compression;
      if (how.secret === null && compression === null) return await this.inner.putFile(key, sourcePath, options);
      const salt = await this.#salt(key, source, { ...how, compression });
      return await this.#put(key, source, { first, compression, secret: how.secret, salt }, options);
    } finally {
      await source.close();
    }
  }

  /** One that was kept where an earlier try has stored the same under it. Null for one that is used once. */
  async #salt(key: string, source: SourceFile, { compression, secret, uploads }: HowToPut): Promise<KeptSalt | null> {
    if (secret === null || uploads === undefined || source.size <= SMALL) return null;
    const of = JSON.stringify([await source.identity(), secret.id, secret.check, compression]);
    return KeptSalt.open(uploads, uploads.path('salt', this.#url, key), of);
  }

  async #put(
    key: string,
    source: SourceFile,
    { first, compression, secret, salt: kept }: ToPut,
    { signal, onBytes }: TransferOptions,
  ): Promise<StoredFile> {
    const encryption = secret && { keyId: secret.id, salt: kept?.salt ?? randomBytes(SALT_BYTES) };
    const header = writeHeader({ compression, encryption });
    const cipher = secret && encryption && new FrameCipher(secret.secret, encryption.salt, header);
    const chunks = chunksOf(first, source, { signal, onBytes });
    const content = encode(chunks, header, compression && CODECS[compression], cipher, kept);
    try {
      const how = { atMost: mostBytes(source.size), ...(signal === undefined ? {} : { signal }) };
      const stored = await this.inner.putStream(key, content, how);
      await kept?.forget();
      const by = secret && { keyId: secret.id, keyCheck: secret.check };
      return { ...source.facts(), encoding: { stored, ...(compression && { compression }), ...by } };
    } catch (error) {
      const reason: unknown = signal?.aborted ? signal.reason : error;
      // As with the parts: only what may be tried again goes on with them.
      if (!(reason instanceof OperatorError && reason.retryable)) await kept?.forget();
      throw reason;
    } finally {
      await kept?.close();
    }
  }

  /** Null when there is none. */
  async #read(key: string, encoding: FileEncoding, { signal }: TransferOptions): Promise<AsyncIterable<Buffer> | null> {
    const secret = (await this.#keys.of(encoding))?.secret ?? null;
    const content = await this.inner.readStream(key, signal === undefined ? {} : { signal });
    return content && decode(content, key, encoding, secret);
  }
}

interface HowToPut {
  compression: Compression | null;
  secret: Key | null;
  /** Where its salt may be kept. */
  uploads?: KeptUploads | undefined;
}

interface ToPut extends Omit<HowToPut, 'uploads'> {
  first: Chunk;
  salt: KeptSalt | null;
}

/** What was altered on its way is right the second time; what was replaced meanwhile is one thing or the other. */
async function twice<T>(options: TransferOptions, act: (how: TransferOptions) => Promise<T>): Promise<T> {
  const oneMore = toldOnce(options);
  try {
    return await act(oneMore());
  } catch (error) {
    const isDamaged = error instanceof OperatorError && error.code === 'BACKUP_DAMAGED';
    if (!isDamaged && !(error instanceof Replaced)) throw error;
    return await act(oneMore());
  }
}

/** With what compression makes of it, where that is worth it. */
async function firstChunk(source: SourceFile, compression: Compression | null): Promise<Chunk> {
  const chunk = await source.next(FRAME_BYTES);
  if (compression === null) return chunk;
  const packed = await CODECS[compression].compress(chunk.plain);
  return packed.length <= chunk.plain.length * WORTH_IT ? { ...chunk, packed } : chunk;
}

async function* chunksOf(first: Chunk, source: SourceFile, { signal, onBytes }: Watch): AsyncGenerator<Chunk> {
  for (let chunk = first; ; chunk = await source.next(FRAME_BYTES)) {
    yield chunk;
    onBytes?.(chunk.plain.length);
    // Whoever takes frames may want many before it looks for itself.
    signal?.throwIfAborted();
    if (chunk.isLast) break;
  }
  // Nothing is visible yet: of a file that has changed meanwhile nothing will be.
  await source.check();
}

interface Watch {
  signal: AbortSignal | undefined;
  onBytes: TransferOptions['onBytes'] | undefined;
}

/** What headers, lengths, tags and a compression that does not help may make of a file. */
function mostBytes(size: number): number {
  return size + Math.ceil(size / 128) + 1024;
}
