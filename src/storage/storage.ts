import type { FileEncoding } from '../model/backup.ts';

/** Size and checksums of one stored file, as it was on the node. */
export interface StoredFile {
  size: number;
  /** Lower-case hex. */
  sha256: string;
  /** CRC-32 of the whole content, unsigned. */
  crc32: number;
  /** Where it does not lie there as it was. */
  encoding?: FileEncoding;
}

/** What was read. */
export type ReadFile = Omit<StoredFile, 'crc32'> & Partial<Pick<StoredFile, 'crc32'>>;

/** What a stored file is to be when it is read. */
export interface ExpectedFile {
  size: number;
  sha256: string;
  encoding?: FileEncoding | undefined;
}

/** How files are to be stored at a location, and which it can read. */
export interface Coding {
  /** Tells of a file that lies there already, so encoded, whether a new backup may refer to it. */
  mayRefer(): Promise<(encoding: FileEncoding | undefined) => boolean>;
  /** Throws STORAGE_FAILED that names the keys which are missing for files so encoded, and where they were looked for. */
  checkReadable(encodings: Iterable<FileEncoding | undefined>): Promise<void>;
}

export interface TransferOptions {
  /** Ends the transfer within about 100 ms with the signal's reason; nothing half-done stays visible. */
  signal?: AbortSignal;
  /** Called with the bytes moved since the last call, every 200 ms and at the end. */
  onBytes?: (bytes: number) => void;
}

export interface StoredEntry {
  key: string;
  size: number;
  /** Epoch ms of its last change. */
  modified: number;
  /** Epoch ms by the store's own clock at which its content was last changed or, where that is known, it was brought here. */
  changed: number;
}

/**
 * LINKED: the new name holds the bytes by itself, and each can be deleted without the other. REFERENCED: nothing was done, and whoever wants
 * the bytes reads them under the old name. NONE: neither is possible, the file is to be put.
 */
export type LinkOutcome = 'LINKED' | 'REFERENCED' | 'NONE';

export interface DeleteOptions {
  keep?: ReadonlySet<string>;
  signal?: AbortSignal;
  onFile?: (key: string) => void;
}

export interface SweepOptions {
  /** Epoch ms by the store's own clock: what has changed since is left alone. */
  before: number;
  dryRun: boolean;
  signal?: AbortSignal;
}

/**
 * A place that keeps backups. Keys are relative, `/`-separated, checked: no empty part, no `.` or `..`.
 * What a put returned for is complete under its key: no half file is ever visible (temporary + rename, or
 * one put). Errors are OperatorErrors: NO_SPACE, STORAGE_FAILED, BACKUP_DAMAGED; messages name the key.
 */
export interface Storage {
  /** The location as an operator writes it, without secrets: `file:///backup`. */
  readonly url: string;

  readonly coding: Coding;

  /** Stores a file's content; computes its checksums while the bytes pass. Replaces what was there. */
  putFile(key: string, sourcePath: string, options?: TransferOptions): Promise<StoredFile>;

  /**
   * Gives what lies under `from` the name `to` as well without moving its bytes, or says that it can stay where it is. NONE where `from` is
   * missing, has another size (there, in bytes), or was changed after `unchangedSince` (epoch ms). Replaces what was there.
   */
  link(from: string, to: string, expected: { size: number; unchangedSince: number }): Promise<LinkOutcome>;

  /**
   * Brings a file next to its use. Writes `targetPath` whole or not at all; BACKUP_DAMAGED naming the key
   * when it is missing or its size or sha256 differ from what is expected.
   */
  getFile(key: string, targetPath: string, expected: ExpectedFile, options?: TransferOptions): Promise<void>;

  /** Stores what comes, at most so many bytes; nothing is visible before all of it has come. Replaces what was there. Its bytes. */
  putStream(
    key: string,
    content: AsyncIterable<Buffer>,
    options?: TransferOptions & { atMost?: number },
  ): Promise<number>;

  /** What is stored, in its order, from one and the same put. Null when there is none. Who reads may keep what it was given. */
  readStream(key: string, options?: TransferOptions): Promise<AsyncIterable<Buffer> | null>;

  /**
   * Reads a stored file and says what it is. Null when there is none. Throws BACKUP_DAMAGED where it is not so encoded. `crc32`: false where nobody needs
   * that, and it may be left out.
   */
  checksum(
    key: string,
    options?: TransferOptions & { encoding?: FileEncoding | undefined; crc32?: boolean },
  ): Promise<ReadFile | null>;

  /** Stores a small document durably: once this returns it survives a power cut. */
  putDocument(key: string, content: string): Promise<void>;

  /** As putDocument, but only when there is none under that key. False when there is one: of those who race for a key one is told true. */
  createDocument(key: string, content: string): Promise<boolean>;

  /** Null when there is none. */
  getDocument(key: string): Promise<string | null>;

  /** The first bytes of a document as text (a character that is cut is not one), and how many bytes it has in all. Null when there is none. */
  getHead(key: string, bytes: number): Promise<{ text: string; size: number } | null>;

  /** Everything below a prefix that ends at a `/`, or everything for ''. Unfinished temporaries are not listed. */
  list(prefix: string): AsyncIterable<StoredEntry>;

  /** Bytes below a prefix that nothing outside of it shares: what its deletion would free. `shared`: keys whose bytes are known to be needed. */
  ownBytes(prefix: string, options?: { shared?: ReadonlySet<string>; signal?: AbortSignal }): Promise<number>;

  /** Names of the folders directly below a prefix, sorted; none for a prefix that holds nothing. */
  folders(prefix: string): Promise<string[]>;

  /**
   * As long as it is the same, so are the folders directly below a prefix. Null where nothing tells, or they changed so recently that
   * a change might not show.
   */
  foldersVersion(prefix: string): Promise<string | null>;

  /** Deletes one file durably; false when there is none. */
  delete(key: string): Promise<boolean>;

  /**
   * Epoch ms until which the store itself lets something below a prefix that ends at a `/` not be deleted (object lock, legal hold), but for the keys
   * to be kept; Infinity where there is no date. Null where nothing is in the way, as far as can be told.
   */
  retainedUntil(prefix: string, options?: { keep?: ReadonlySet<string>; signal?: AbortSignal }): Promise<number | null>;

  /**
   * Deletes everything below a prefix that ends at a `/`, unfinished temporaries too, but for the keys to be kept, and the folders that
   * are empty then. Symbolic links are deleted, not followed. Durable on return.
   */
  deleteFolder(prefix: string, options?: DeleteOptions): Promise<void>;

  /**
   * Deletes what killed writers have left unfinished below a prefix (temporaries, uploads that never ended), and says what. The keys are for
   * people: nothing can be read by them.
   */
  sweepUnfinished(prefix: string, options: SweepOptions): AsyncIterable<StoredEntry>;

  /**
   * Gives everything below one prefix that ends at a `/` another one, durably; false, with nothing done, when there is nothing. Cut short, it can
   * be called again. Throws NAME_TAKEN where something of another origin is there already.
   */
  moveFolder(from: string, to: string, signal?: AbortSignal): Promise<boolean>;

  /** Makes everything that was put so far survive a power cut. */
  flush(): Promise<void>;

  /** Bytes still free, null where the place has no such number. */
  freeBytes(): Promise<number | null>;
}
