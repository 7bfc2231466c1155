import { lstat, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { writeDurably } from '../storage/durable.ts';
import { TEMPORARY_PREFIX } from '../storage/layout.ts';
import { sha256Of } from '../storage/manifest.ts';
import { namesIn, readIfPresent, unlessMissing } from './local-files.ts';

/** What a file holds. */
export interface Digest {
  /** Lower-case hex. */
  sha256: string;
  /** CRC-32, unsigned. */
  crc32: number;
}

/** A file as the file system tells it from all others, and from itself before it was changed. */
export interface FileIdentity {
  /** Device, inode, size and time of the last change of its content. */
  key: string;
  /** Bytes. */
  size: number;
  mtimeNs: bigint;
}

type Entries = Map<string, [sha256: string, crc32: number]>;

/** Time between two changes that the file system's clock may give one time stamp (Linux: up to 10 ms), with a margin. */
const TICK_MS = 100;
/** The same where time stamps are whole seconds (FAT: two). */
const COARSE_TICK_MS = 3000;

/** How much hashing a killed executor may cost. */
const SAVE_INTERVAL_MS = 30_000;

/**
 * The file at `path`, null when there is none. A snapshot's hard links are the live file under another name: same device, inode and
 * mtime. Its ctime is no part of the key, because every snapshot changes it by its links.
 */
export async function identify(path: string): Promise<FileIdentity | null> {
  const stats = await unlessMissing(lstat(path, { bigint: true }), null);
  if (stats === null) return null;
  const { dev, ino, size, mtimeNs } = stats;
  return { key: `${dev}:${ino}:${size}:${mtimeNs}`, size: Number(size), mtimeNs };
}

/**
 * How long (ms) to wait with reading a file so that what is read can be remembered: whoever changed it once more within one tick of the
 * clock would leave its size and mtime as they are. 0: read it. Null: not within a reasonable time.
 */
export function settlesIn({ mtimeNs }: FileIdentity, now: number): number | null {
  const isCoarse = mtimeNs % 1_000_000_000n === 0n;
  const left = Number(mtimeNs / 1_000_000n) + 1 + (isCoarse ? COARSE_TICK_MS : TICK_MS) - now;
  if (left <= 0) return 0;
  return left <= 2 * TICK_MS ? left : null;
}

/**
 * Digests of the node's SSTable components, so that what did not change is not read again. Kept in a file beside the node's data; one
 * that is missing, damaged or of another version costs time, nothing else. Holds what the last run over each table has seen.
 */
export class DigestCache {
  readonly #path: string;
  readonly #log: Logger;
  /** By table, as the file had them. */
  readonly #before: Map<string, Entries>;
  /** By table, those that this run has looked up or found out. */
  readonly #seen = new Map<string, Entries>();
  #changed = false;
  #saved: number;

  private constructor(path: string, log: Logger, before: Map<string, Entries>, now: number) {
    this.#path = path;
    this.#log = log;
    this.#before = before;
    this.#saved = now;
  }

  /** Never throws: without the file it begins empty. `directory` is its own. */
  static async open(directory: string, log: Logger, now: number): Promise<DigestCache> {
    const path = join(directory, 'sstables.json');
    try {
      for (const name of await namesIn(directory)) {
        if (name.startsWith(TEMPORARY_PREFIX)) await rm(join(directory, name), { force: true });
      }
      return new DigestCache(path, log, parse(await readIfPresent(path)), now);
    } catch (error) {
      log.warn({ path, reason: messageOf(error) }, 'what was known of SSTables is lost: they are read again');
      return new DigestCache(path, log, new Map(), now);
    }
  }

  find(table: string, { key }: FileIdentity): Digest | undefined {
    const entry = this.#seen.get(table)?.get(key) ?? this.#before.get(table)?.get(key);
    if (entry === undefined) return undefined;
    this.#seenOf(table).set(key, entry);
    const [sha256, crc32] = entry;
    return { sha256, crc32 };
  }

  note(table: string, { key }: FileIdentity, { sha256, crc32 }: Digest): void {
    this.#seenOf(table).set(key, [sha256, crc32]);
    this.#changed = true;
  }

  /** All files of these tables were looked up or noted: the others are gone. */
  tablesDone(tables: Iterable<string>): void {
    for (const table of tables) this.#changed = this.#before.delete(table) || this.#changed;
  }

  /** Forgets tables that do not exist any more. */
  keepOnly(tables: ReadonlySet<string>): void {
    for (const known of [this.#before, this.#seen]) {
      for (const table of known.keys()) if (!tables.has(table)) this.#changed = known.delete(table);
    }
  }

  /** Saves what is new when the last time was a while ago. */
  async saveNowAndThen(now: number): Promise<void> {
    if (now - this.#saved >= SAVE_INTERVAL_MS) await this.save(now);
  }

  /** Never throws: what could not be saved is read again next time. */
  async save(now: number): Promise<void> {
    if (!this.#changed) return;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeDurably(this.#path, this.#text(), dirname(this.#path));
      this.#changed = false;
      this.#saved = now;
    } catch (error) {
      this.#log.warn({ path: this.#path, reason: messageOf(error) }, 'what is known of SSTables could not be saved');
    }
  }

  #seenOf(table: string): Entries {
    const entries = this.#seen.get(table) ?? new Map();
    this.#seen.set(table, entries);
    return entries;
  }

  /** The first line is the checksum of the rest. */
  #text(): string {
    const tables: Record<string, Record<string, [string, number]>> = {};
    for (const table of new Set([...this.#before.keys(), ...this.#seen.keys()])) {
      tables[table] = Object.fromEntries([...(this.#before.get(table) ?? []), ...(this.#seen.get(table) ?? [])]);
    }
    const text = JSON.stringify({ version: 1, tables });
    return `${sha256Of(text)}\n${text}`;
  }
}

function parse(content: string | null): Map<string, Entries> {
  if (content === null) return new Map();
  const end = content.indexOf('\n');
  const text = content.slice(end + 1);
  if (content.slice(0, end) !== sha256Of(text)) throw damaged('its checksum is another one');
  const { version, tables } = JSON.parse(text) as {
    version: number;
    tables: Record<string, Record<string, [string, number]>>;
  };
  if (version !== 1) throw damaged(`expected version 1, got ${version}`);
  return new Map(Object.entries(tables).map(([table, entries]) => [table, new Map(Object.entries(entries))]));
}

function damaged(problem: string): OperatorError {
  return new OperatorError('INTERNAL', problem);
}
