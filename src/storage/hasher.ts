import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { combineCrc32 } from './crc32-combine.ts';
import type { HashReply, HashRequest } from './hash-worker.ts';
import type { PartSum, PartSums, StoreSum } from './part-sums.ts';
import type { StoredFile } from './storage.ts';

/** Hashes one file as it passes: chunks in the order of the calls, which are not to change until theirs has ended. */
export interface Hasher {
  /** The next bytes, where only the SHA-256 of all is wanted. */
  add(chunk: Buffer): Promise<void>;
  /** The next bytes, where all checksums are wanted; gives their own. */
  addPart(chunk: Buffer): Promise<PartSums>;
  /** Of all, in lower-case hex; to be asked once, when everything was added. */
  sha256(): Promise<string>;
  /** The same, with the CRC-32 of what was added as parts. */
  facts(): Promise<StoredFile>;
  /** To be called however it ends. */
  end(): void;
}

/** Makes hashers, for a store that holds parts against such a sum. */
export interface Hashing {
  /** Of a file of so many bytes. */
  hasher(bytes: number, storeSum?: StoreSum): Hasher;
  /** Checksums of a part of what is not hashed as a whole. */
  sums(chunk: Buffer, storeSum?: StoreSum): Promise<PartSums>;
}

/** On the calling thread, where only what is always wanted is computed. */
export const hashingHere: Hashing = {
  hasher: () => new HasherHere(),
  sums: (chunk) => Promise.resolve({ crc32: crc32(chunk) }),
};

class HasherHere implements Hasher {
  readonly #sha256 = createHash('sha256');
  #crc32 = 0;
  #size = 0;

  add(chunk: Buffer): Promise<void> {
    this.#sha256.update(chunk);
    return Promise.resolve();
  }

  addPart(chunk: Buffer): Promise<PartSums> {
    const own = crc32(chunk);
    this.#sha256.update(chunk);
    this.#crc32 = combineCrc32(this.#crc32, own, chunk.length);
    this.#size += chunk.length;
    return Promise.resolve({ crc32: own });
  }

  sha256(): Promise<string> {
    return Promise.resolve(this.#sha256.digest('hex'));
  }

  async facts(): Promise<StoredFile> {
    return { size: this.#size, sha256: await this.sha256(), crc32: this.#crc32 };
  }

  end(): void {
    // Nobody else holds anything.
  }
}

/** Files below this size (bytes) are hashed here: to ask a thread takes longer. */
const WORTH_A_THREAD = 1024 * 1024;

/** Beside the sources it is a .ts, in dist a .js. */
const WORKER = new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url);

/** A thread keeps what it hashes outside the JavaScript heap. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 };

interface Waiting {
  resolve(reply: HashReply): void;
  reject(error: unknown): void;
}

/** Threads that hash, so that the one that talks to the store does nothing else. They are started when needed and keep no idle process alive. */
export class HashThreads implements Hashing {
  readonly #threads: (HashThread | null)[];
  readonly #niceness: number;
  #next = 0;

  /** `niceness`: 0 to 19, how far they stand back behind others. Linux only. */
  constructor(threads: number, niceness = 0) {
    this.#threads = Array<null>(threads).fill(null);
    this.#niceness = process.platform === 'linux' ? niceness : 0;
  }

  hasher(bytes: number, storeSum?: StoreSum): Hasher {
    return bytes < WORTH_A_THREAD ? hashingHere.hasher(bytes) : new HasherThere(this.#thread(), storeSum);
  }

  async sums(chunk: Buffer, storeSum?: StoreSum): Promise<PartSums> {
    if (chunk.length < WORTH_A_THREAD) return hashingHere.sums(chunk);
    return sumsIn(await this.#thread().ask({ file: null, chunk, sums: wanted(storeSum) }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map(async (thread) => thread?.close()));
  }

  /** One after the other. */
  #thread(): HashThread {
    const index = this.#next++ % this.#threads.length;
    const current = this.#threads[index];
    const thread = current?.isAlive ? current : new HashThread(this.#niceness);
    this.#threads[index] = thread;
    return thread;
  }
}

/** Answers come in the order of the requests. */
class HashThread {
  isAlive = true;
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #lastFile = 0;

  constructor(niceness: number) {
    this.#worker = new Worker(WORKER, {
      workerData: { niceness },
      name: 'hash',
      execArgv: [],
      resourceLimits: LIMITS,
    });
    this.#worker.on('message', (reply: HashReply) => {
      this.#waiting.shift()?.resolve(reply);
      if (this.#waiting.length === 0) this.#worker.unref();
    });
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('the hashing thread ended')));
    this.#worker.unref();
  }

  newFile(): number {
    return ++this.#lastFile;
  }

  ask(request: HashRequest): Promise<HashReply> {
    return new Promise((resolve, reject) => {
      if (!this.isAlive) return reject(new Error('the hashing thread ended'));
      this.#waiting.push({ resolve, reject });
      this.#worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(error: unknown): void {
    this.isAlive = false;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}

class HasherThere implements Hasher {
  readonly #thread: HashThread;
  readonly #file: number;
  readonly #sums: readonly PartSum[];
  #crc32 = 0;
  #size = 0;
  #ended = false;

  constructor(thread: HashThread, storeSum: StoreSum | undefined) {
    this.#thread = thread;
    this.#file = thread.newFile();
    this.#sums = wanted(storeSum);
  }

  async add(chunk: Buffer): Promise<void> {
    await this.#thread.ask({ file: this.#file, chunk, sums: [] });
  }

  async addPart(chunk: Buffer): Promise<PartSums> {
    const own = sumsIn(await this.#thread.ask({ file: this.#file, chunk, sums: this.#sums }));
    this.#crc32 = combineCrc32(this.#crc32, own.crc32, chunk.length);
    this.#size += chunk.length;
    return own;
  }

  async sha256(): Promise<string> {
    this.#ended = true;
    const { sha256 } = await this.#thread.ask({ file: this.#file, chunk: null });
    if (sha256 === undefined) throw new Error('expected the checksum of all, got that of a part');
    return sha256;
  }

  async facts(): Promise<StoredFile> {
    return { sha256: await this.sha256(), size: this.#size, crc32: this.#crc32 };
  }

  end(): void {
    // The thread forgets it. One that has ended has forgotten all.
    if (!this.#ended) this.#thread.ask({ file: this.#file, chunk: null }).catch(() => undefined);
    this.#ended = true;
  }
}

function wanted(storeSum: StoreSum | undefined): readonly PartSum[] {
  return storeSum === undefined ? ['crc32'] : ['crc32', storeSum];
}

function sumsIn({ crc32: own, ...others }: HashReply): PartSums {
  if (own === undefined) throw new Error('expected the checksums of a part, got none');
  return { crc32: own, ...others };
}
