import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { BackupReader, Seen } from '../jobs/backup-catalogue.ts';
import type { FoundBackup } from '../jobs/cluster-jobs.ts';
import { createCopyPool } from '../storage/copy-pool.ts';
import { findBackup } from '../storage/find-backup.ts';
import { listForeignBackups } from '../storage/foreign-backups.ts';
import { locationDirectory, openStorage } from '../storage/open.ts';
import { listBackups, readBackup, type SummaryCache } from '../storage/read-backups.ts';
import type { Storage } from '../storage/storage.ts';

/** Locations as this host sees them. What was read of one is kept as long as its documents stay the same. */
export class BackupLocations implements BackupReader {
  readonly #cluster: string;
  readonly #caches = new Map<string, SummaryCache>();

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  list(location: string) {
    const cache: SummaryCache = this.#caches.get(location) ?? new Map();
    this.#caches.set(location, cache);
    return this.#look(location, (storage) => listBackups(storage, this.#cluster, cache));
  }

  read(location: string, name: string) {
    return this.#look(location, (storage) => readBackup(storage, this.#cluster, name));
  }

  /** What other programs have made there, also where this cluster has nothing yet. */
  foreign(location: string) {
    return this.#look(location, (storage) => listForeignBackups(storage, this.#cluster), '.');
  }

  /** UNKNOWN when the location cannot be seen from this host. */
  async find(location: string, name: string): Promise<FoundBackup> {
    if (!existsSync(locationDirectory(location, '/'))) return { state: 'UNKNOWN', message: null };
    return withStorage(location, async (storage) => {
      const { state, message } = await findBackup(storage, this.#cluster, name);
      return { state, message };
    });
  }

  /** Only where the folder is there: by default that of the cluster. */
  async #look<T>(location: string, look: (storage: Storage) => Promise<T>, folder = this.#cluster): Promise<Seen<T>> {
    try {
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

function unseen(reason: string): Seen<never> {
  return { seen: false, reason };
}

/** Only documents are read, so the pool's threads are never started. */
async function withStorage<T>(location: string, act: (storage: Storage) => Promise<T>): Promise<T> {
  const pool = createCopyPool(1);
  try {
    return await act(await openStorage(location, { pool, baseDirectory: '/', create: false }));
  } finally {
    await pool.close();
  }
}
