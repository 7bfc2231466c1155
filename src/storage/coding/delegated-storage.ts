import type {
  Coding,
  DeleteOptions,
  ExpectedFile,
  LinkOutcome,
  Storage,
  StoredEntry,
  ReadFile,
  StoredFile,
  SweepOptions,
  TransferOptions,
} from '../storage.ts';

/** A storage that does all as another one does. */
export class DelegatedStorage implements Storage {
  protected readonly inner: Storage;

  constructor(inner: Storage) {
    this.inner = inner;
  }

  get url(): string {
    return this.inner.url;
  }

  get coding(): Coding {
    return this.inner.coding;
  }

  putFile(key: string, sourcePath: string, options?: TransferOptions): Promise<StoredFile> {
    return this.inner.putFile(key, sourcePath, options);
  }

  link(from: string, to: string, expected: { size: number; unchangedSince: number }): Promise<LinkOutcome> {
    return this.inner.link(from, to, expected);
  }

  getFile(key: string, targetPath: string, expected: ExpectedFile, options?: TransferOptions): Promise<void> {
    return this.inner.getFile(key, targetPath, expected, options);
  }

  putStream(...put: Parameters<Storage['putStream']>): Promise<number> {
    return this.inner.putStream(...put);
  }

  readStream(key: string, options?: TransferOptions): Promise<AsyncIterable<Buffer> | null> {
    return this.inner.readStream(key, options);
  }

  checksum(...read: Parameters<Storage['checksum']>): Promise<ReadFile | null> {
    return this.inner.checksum(...read);
  }

  putDocument(key: string, content: string): Promise<void> {
    return this.inner.putDocument(key, content);
  }

  createDocument(key: string, content: string): Promise<boolean> {
    return this.inner.createDocument(key, content);
  }

  getDocument(key: string): Promise<string | null> {
    return this.inner.getDocument(key);
  }

  getHead(key: string, bytes: number): Promise<{ text: string; size: number } | null> {
    return this.inner.getHead(key, bytes);
  }

  list(prefix: string): AsyncIterable<StoredEntry> {
    return this.inner.list(prefix);
  }

  ownBytes(...count: Parameters<Storage['ownBytes']>): Promise<number> {
    return this.inner.ownBytes(...count);
  }

  folders(prefix: string): Promise<string[]> {
    return this.inner.folders(prefix);
  }

  foldersVersion(prefix: string): Promise<string | null> {
    return this.inner.foldersVersion(prefix);
  }

  delete(key: string): Promise<boolean> {
    return this.inner.delete(key);
  }

  retainedUntil(...[prefix, options]: Parameters<Storage['retainedUntil']>): Promise<number | null> {
    return this.inner.retainedUntil(prefix, options);
  }

  deleteFolder(prefix: string, options?: DeleteOptions): Promise<void> {
    return this.inner.deleteFolder(prefix, options);
  }

  sweepUnfinished(prefix: string, options: SweepOptions): AsyncIterable<StoredEntry> {
    return this.inner.sweepUnfinished(prefix, options);
  }

  moveFolder(from: string, to: string, signal?: AbortSignal): Promise<boolean> {
    return this.inner.moveFolder(from, to, signal);
  }

  flush(): Promise<void> {
    return this.inner.flush();
  }

  freeBytes(): Promise<number | null> {
    return this.inner.freeBytes();
  }
}
