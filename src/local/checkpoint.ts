// State on disk that survives a kill -9: one JSON document, replaced as a whole.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OperatorError, wrapError } from '../errors.ts';

/** Reads what `Checkpoint` wrote; `undefined` when there is nothing yet. Throws on a document that is no JSON. */
export async function readCheckpoint<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'), fromBase64) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw wrapError(`read ${path}`, error);
  }
}

/** Replaces the document: temporary file, fsync, rename. */
export async function writeCheckpoint(path: string, state: unknown): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(state, toBase64));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    throw wrapError(`write ${path}`, error);
  }
}

/** Writes one state again and again, one write at a time; all that ask during a write share the next one. */
export class Checkpoint {
  readonly #path: string;
  readonly #state: () => unknown;
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #closed = false;

  /** `state` is asked when the write begins. */
  constructor(path: string, state: () => unknown) {
    this.#path = path;
    this.#state = state;
  }

  /** Resolves when everything that is in the state now is on disk. */
  save(): Promise<void> {
    if (this.#closed) return Promise.reject(new OperatorError('ABORTED', `${this.#path} is closed`));
    this.#next ??= this.#writeAfter(this.#last);
    return this.#next;
  }

  /** Saves a last time: from then on the document may be another's. */
  async close(): Promise<void> {
    const last = this.save();
    this.#closed = true;
    await last;
  }

  async #writeAfter(previous: Promise<void>): Promise<void> {
    // Its failure was told to those who asked for it.
    await Promise.allSettled([previous]);
    this.#last = this.#next ?? Promise.resolve();
    this.#next = undefined;
    await writeCheckpoint(this.#path, this.#state());
  }
}

function toBase64(this: Record<string, unknown>, key: string, value: unknown): unknown {
  // A Buffer's own toJSON comes before the replacer, so the value is taken from its holder.
  const original = this[key];
  return original instanceof Uint8Array ? { $base64: Buffer.from(original).toString('base64') } : value;
}

function fromBase64(_key: string, value: unknown): unknown {
  const encoded = (value as { $base64?: unknown } | null)?.$base64;
  return typeof encoded === 'string' ? Uint8Array.from(Buffer.from(encoded, 'base64')) : value;
}
