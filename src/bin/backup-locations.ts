import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { BackupReader, Seen } from '../jobs/backup-reader.ts';
import type { FoundBackup } from '../jobs/cluster-jobs.ts';
import type { LocationCheck } from '../model/location-check.ts';
import type { GivenCredentials } from '../model/credentials.ts';
import type { BackupSummary } from '../model/backup-summary.ts';
import type { FolderCache } from '../storage/backup-folders.ts';
import { createCopyPool } from '../storage/copy-pool.ts';
import { findBackup } from '../storage/find-backup.ts';
import { listForeignBackups } from '../storage/foreign-backups.ts';
import { isObjectStore, locationDirectory, openStorage } from '../storage/open.ts';
import { ownBytes } from '../storage/own-bytes.ts';
import { readBackup, readLocation, type LocationContent, type SummaryCache } from '../storage/read-backups.ts';
import type { Storage } from '../storage/storage.ts';
import { lookFromHere } from './location-check.ts';
import { OwnBytes } from './own-bytes.ts';

interface Caches {
  summaries: SummaryCache;
  folders: FolderCache;
}

/** Locations as this host sees them. What was read of one is kept as long as its documents stay the same. */
export class BackupLocations implements BackupReader {
  readonly #cluster: string;
  readonly #remembered: (location: string) => BackupSummary[];
  readonly #caches = new Map<string, Caches>();
  readonly #own = new OwnBytes();
  readonly #signal: AbortSignal;

  /** `remembered`: summaries as they were read before; those whose documents are the same are not read again. `signal` ends all counting. */
  constructor(cluster: string, signal: AbortSignal, remembered: (location: string) => BackupSummary[] = () => []) {
    this.#cluster = cluster;
    this.#remembered = remembered;
    this.#signal = signal;
  }

  /** By reading alone. Throws BAD_REQUEST for what no node could open. */
  check(location: string): Promise<LocationCheck> {
    return lookFromHere(location, () => withStorage(location, (storage) => storage.folders('')), systemClock);
  }

  list(location: string, given?: GivenCredentials) {
    const read = async (storage: Storage) => (await this.#read(location, storage)).backups;
    return this.#look(location, read, { given });
  }

  read(location: string, name: string) {
    return this.#look(location, (storage) => readBackup(storage, this.#cluster, name));
  }

  /** What other programs have made there, also where this cluster has nothing yet. */
  foreign(location: string, given?: GivenCredentials) {
    return this.#look(location, (storage) => listForeignBackups(storage, this.#cluster), { folder: '.', given });
  }

  ownBytes(location: string, name: string): number | null {
    return this.#own.known(location, name);
  }

  countOwnBytes(location: string, name: string): Promise<number | null> {
    return this.#own.count(location, name, () =>
      withStorage(location, async (storage) => {
        const { folders, fingerprint: before } = await this.#read(location, storage);
        const known = this.#own.known(location, name);
        if (known !== null) return { bytes: known, before, after: before };
        const nodes = folders.get(name) ?? [];
        const bytes = await ownBytes(storage, this.#cluster, { name, nodes }, this.#signal);
        return { bytes, before, after: (await this.#read(location, storage)).fingerprint };
      }),
    );
  }

  /** UNKNOWN when the location cannot be seen from this host. */
  async find(location: string, name: string, given?: GivenCredentials): Promise<FoundBackup> {
    if (!isObjectStore(location) && !existsSync(locationDirectory(location, '/')))
      return { state: 'UNKNOWN', message: null };
    const find = async (storage: Storage): Promise<FoundBackup> => {
      const { state, message } = await findBackup(storage, this.#cluster, name);
      return { state, message };
    };
    const look = withStorage(location, find, given);
    // The nodes may have the credentials, and the way, that this host has not.
    return isObjectStore(location) ? look.catch(() => ({ state: 'UNKNOWN', message: null })) : look;
  }

  async #read(location: string, storage: Storage): Promise<LocationContent> {
    let caches = this.#caches.get(location);
    if (caches === undefined) {
      // What an earlier version of the program could not read, this one may.
      const usable = this.#remembered(location).filter(({ state }) => state !== 'DAMAGED');
      caches = { summaries: new Map(usable.map((summary) => [summary.name, summary])), folders: new Map() };
      this.#caches.set(location, caches);
    }
    const content = await readLocation(storage, this.#cluster, caches.summaries, caches.folders);
    this.#own.settle(location, content.fingerprint);
    return content;
  }

  /** Only where the folder is there: by default that of the cluster. */
  async #look<T>(
    location: string,
    look: (storage: Storage) => Promise<T>,
    { folder = this.#cluster, given }: { folder?: string; given?: GivenCredentials | undefined } = {},
  ): Promise<Seen<T>> {
    try {
      if (isObjectStore(location)) {
        return await withStorage(location, (storage) => lookInStore(storage, folder, look), given);
      }
      const directory = locationDirectory(location, '/');
      if (!existsSync(directory)) return unseen(`there is no directory ${directory} on the scheduler's host`);
      if (!existsSync(join(directory, folder))) {
        return unseen(`nothing of cluster ${this.#cluster} is in ${directory} on the scheduler's host`);
      }
      return { seen: true, found: await withStorage(location, look) };
    } catch (error) {
      return unseen(messageOf(error));
    }
  }
}

async function lookInStore<T>(
  storage: Storage,
  folder: string,
  look: (storage: Storage) => Promise<T>,
): Promise<Seen<T>> {
  if (folder !== '.' && !(await storage.folders('')).includes(folder)) {
    return unseen(`nothing of cluster ${folder} is in ${storage.url}`);
  }
  return { seen: true, found: await look(storage) };
}

function unseen(reason: string): Seen<never> {
  return { seen: false, reason };
}

/** Only documents are read, so the pool's threads are never started. */
async function withStorage<T>(
  location: string,
  act: (storage: Storage) => Promise<T>,
  given?: GivenCredentials,
): Promise<T> {
  const pool = createCopyPool(1);
  try {
    const how = { pool, baseDirectory: '/', create: false, env: process.env, patient: false, given };
    return await act(await openStorage(location, how));
  } finally {
    await pool.close();
  }
}
