import { randomBytes } from 'node:crypto';
import { readFile, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import type { KeptUploads } from '../objects/kept-uploads.ts';
import type { Ledger } from './encode.ts';
import { SALT_BYTES } from './frame-cipher.ts';

/** Another one whenever the kernel was started: what was written before that may be lost in part. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

const VERSION = 1;

/** Bytes: the first line has fewer. */
const READ_AT_ONCE = 16 * 1024;

const opening = z.object({ version: z.literal(VERSION), boot: z.string(), of: z.string(), salt: z.base64() });

interface Purpose {
  boot: string;
  /** What is encrypted, and how. */
  of: string;
}

/** With this salt something else was encrypted, or it cannot be told: the upload is to begin anew with another one. */
export class SaltSpent extends Error {}

/**
 * The salt of an upload, kept on the node with the tag of each frame that was ever given out under it, so that another process makes the same bytes of the same
 * file and goes on. A frame's tag is entered before any byte of it leaves, and one that differs from what was entered for that number is never given
 * out: so nothing is ever encrypted twice under one key and nonce but the very same. See docs/decisions/0021.
 *
 * The first line says what for; then each line is a number and a tag. Lines are appended, never changed. Two processes that work at once each append before they
 * read, so the later of two tags that differ is seen by whoever has written it.
 */
export class KeptSalt implements Ledger {
  readonly salt: Buffer;
  readonly #uploads: KeptUploads;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #buffer = Buffer.alloc(READ_AT_ONCE);
  /** Up to where the file was read. */
  #read: number;
  /** The beginning of a line whose end was not read yet. */
  #rest = '';
  /** Entered by whomever, of frames that this one has not come to yet. */
  readonly #tags = new Map<number, string>();
  /** The one that is to be entered. */
  #frame = 0;

  private constructor(uploads: KeptUploads, path: string, { file, salt, begin }: Opened) {
    this.#uploads = uploads;
    this.#path = path;
    this.#file = file;
    this.salt = salt;
    this.#read = begin;
  }

  /**
   * That which is kept for the same, otherwise a new one. `of`: the source as it is now, the key and the compression. Null where nothing can be kept: a
   * salt is to be used once then.
   */
  static async open(uploads: KeptUploads, path: string, of: string): Promise<KeptSalt | null> {
    const boot = await bootId();
    if (boot === null) return null;
    return (await KeptSalt.#find(uploads, path, { boot, of })) ?? KeptSalt.#new(uploads, path, { boot, of });
  }

  static async #find(uploads: KeptUploads, path: string, wanted: Purpose): Promise<KeptSalt | null> {
    const file = await uploads.open(path);
    if (file === null) return null;
    try {
      const opened = await readOpening(file, wanted);
      if (opened === null) throw new SaltSpent('it is kept for something else');
      const kept = new KeptSalt(uploads, path, opened);
      await kept.#readOn();
      return kept;
    } catch (error) {
      await file.close();
      if (error instanceof SaltSpent) return null;
      throw error;
    }
  }

  static async #new(uploads: KeptUploads, path: string, purpose: Purpose): Promise<KeptSalt | null> {
    const salt = randomBytes(SALT_BYTES);
    const line = `${JSON.stringify({ version: VERSION, ...purpose, salt: salt.toString('base64') })}\n`;
    const file = await uploads.create(path, line);
    return file && new KeptSalt(uploads, path, { file, salt, begin: Buffer.byteLength(line) });
  }

  /** Throws SaltSpent, with nothing given out, where another frame of that number was, or may have been. */
  async enter(tag: Buffer): Promise<void> {
    const own = tag.toString('base64');
    if (!this.#tags.has(this.#frame)) {
      await this.#append(`${this.#frame} ${own}\n`);
      await this.#readOn();
    }
    if (this.#tags.get(this.#frame) !== own) throw new SaltSpent(`frame ${this.#frame} is another one now`);
    this.#tags.delete(this.#frame);
    this.#frame += 1;
  }

  /** Nobody finds it again. */
  forget(): Promise<void> {
    return this.#uploads.forget(this.#path);
  }

  /** To be called however it ends. */
  close(): Promise<void> {
    return this.#file.close();
  }

  async #append(line: string): Promise<void> {
    const { bytesWritten } = await told(this.#file.write(line));
    if (bytesWritten !== line.length) throw new SaltSpent('its file takes no more');
  }

  async #readOn(): Promise<void> {
    for (let isMore = true; isMore;) {
      const { bytesRead } = await told(this.#file.read(this.#buffer, 0, READ_AT_ONCE, this.#read));
      const lines = (this.#rest + this.#buffer.toString('latin1', 0, bytesRead)).split('\n');
      this.#read += bytesRead;
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#note(line);
      isMore = bytesRead === READ_AT_ONCE;
    }
    if (this.#rest !== '') throw damaged();
  }

  #note(line: string): void {
    const [, number, tag] = /^(\d+) ([A-Za-z0-9+/]{22}==)$/.exec(line) ?? [];
    if (number === undefined || tag === undefined) throw damaged();
    const frame = Number(number);
    // Whoever enters another tag for a frame that was given out here finds the first one before its own.
    if (frame < this.#frame) return;
    if ((this.#tags.get(frame) ?? tag) !== tag) throw new SaltSpent(`frame ${frame} was not always the same`);
    this.#tags.set(frame, tag);
  }
}

interface Opened {
  file: FileHandle;
  salt: Buffer;
  /** Where the tags begin. */
  begin: number;
}

/** Null where the salt is for something else, or it cannot be told. */
async function readOpening(file: FileHandle, { boot, of }: Purpose): Promise<Opened | null> {
  const buffer = Buffer.alloc(READ_AT_ONCE);
  const { bytesRead } = await told(file.read(buffer, 0, READ_AT_ONCE, 0));
  const end = buffer.subarray(0, bytesRead).indexOf('\n');
  const found = opening.safeParse(parsed(buffer.toString('utf8', 0, Math.max(end, 0))));
  if (!found.success || found.data.boot !== boot || found.data.of !== of) return null;
  return { file, salt: Buffer.from(found.data.salt, 'base64'), begin: end + 1 };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Which is no opening.
    return null;
  }
}

/** Null where the system does not tell. */
async function bootId(): Promise<string | null> {
  try {
    return (await readFile(BOOT_ID, 'utf8')).trim();
  } catch {
    return null;
  }
}

/** What cannot be entered or read may not be given out. */
async function told<T>(act: Promise<T>): Promise<T> {
  try {
    return await act;
  } catch (error) {
    throw new SaltSpent(messageOf(error), { cause: error });
  }
}

function damaged(): SaltSpent {
  return new SaltSpent('its file is damaged');
}
