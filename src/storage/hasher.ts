import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { combineCrc32 } from './crc32-combine.ts';
import type { HashReply, HashRequest } from './hash-worker.ts';
import type { StoredFile } from './storage.ts';

/** Hashes one file as it passes. */
export interface Hasher {
  /** The next bytes; gives their own CRC-32. They are not to change until then. Chunks are hashed in the order of the calls. */
  add(chunk: Buffer): Promise<number>;
  /** What all of it is; to be asked once, when each `add` has ended. */
  facts(): Promise<StoredFile>;
  /** To be called however it ends. */
  end(): void;
}

/** Makes hashers of files of so many bytes. */
export interface Hashing {
  hasher(bytes: number): Hasher;
}

/** On the calling thread. */
export const hashingHere: Hashing = { hasher: () => new HasherHere() };

class HasherHere implements Hasher {
  readonly #sha256 = createHash('sha256');
  #crc32 = 0;
  #size = 0;

  add(chunk: Buffer): Promise<number> {
    const own = crc32(chunk);
    this.#sha256.update(chunk);
    this.#crc32 = this.#size === 0 ? own : combineCrc32(this.#crc32, own, chunk.length);
    this.#size += chunk.length;
    return Promise.resolve(own);
  }

  facts(): Promise<StoredFile> {
    return Promise.resolve({ size: this.#size, sha256: this.#sha256.digest('hex'), crc32: this.#crc32 });
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

  hasher(bytes: number): Hasher {
    if (bytes < WORTH_A_THREAD) return hashingHere.hasher(bytes);
    const index = this.#next++ % this.#threads.length;
    const current = this.#threads[index];
    const thread = current?.isAlive ? current : new HashThread(this.#niceness);
    this.#threads[index] = thread;
    return new HasherThere(thread);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map(async (thread) => thread?.close()));
  }
}

/** Answers come in the order of the requests. */
class HashThread {
  isAlive = true;
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #lastId = 0;

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

  newId(): number {
    return ++this.#lastId;
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
  readonly #id: number;
  #crc32 = 0;
  #size = 0;
  #ended = false;

  constructor(thread: HashThread) {
    this.#thread = thread;
    this.#id = thread.newId();
  }

  async add(chunk: Buffer): Promise<number> {
    const reply = await this.#thread.ask({ id: this.#id, chunk });
    if (!('crc32' in reply)) throw new Error('expected the checksum of a chunk, got that of all');
    this.#crc32 = this.#size === 0 ? reply.crc32 : combineCrc32(this.#crc32, reply.crc32, chunk.length);
    this.#size += chunk.length;
    return reply.crc32;
  }

  async facts(): Promise<StoredFile> {
    this.#ended = true;
    const reply = await this.#thread.ask({ id: this.#id, chunk: null });
    if (!('sha256' in reply)) throw new Error('expected the checksum of all, got that of a chunk');
    return { size: this.#size, sha256: reply.sha256, crc32: this.#crc32 };
  }
  end(): void {
    // The thread forgets it. One that has ended has forgotten all.
    if (!this.#ended) this.#thread.ask({ id: this.#id, chunk: null }).catch(() => undefined);
    this.#ended = true;
  }
}
