import type { Clock } from '../clock.ts';
import { OperatorError, wrapError } from '../errors.ts';
import type { ManifestFile, ManifestTable } from '../model/backup.ts';
import type { KeyspaceReport, StepRequest } from '../model/step.ts';
import { fileKey, manifestKey, nodeKey } from '../storage/layout.ts';
import type { Storage } from '../storage/storage.ts';

/** A keyspace that is stored whole. */
export interface StoredKeyspace {
  tables: ManifestTable[];
  files: ManifestFile[];
  report: KeyspaceReport;
}

/** `sent` is absent where an early version of this program has begun the backup: it sent everything. */
type StoredBefore = Pick<ManifestFile, 'size' | 'sha256'> & { sent?: boolean };

/** `started.json` in the node backup's folder: whose it is, and how far it is. */
interface Marker {
  version: 1;
  jobUuid: string;
  /** Epoch ms. */
  started: number;
  /** The folder of the location that a tree of another program is adopted from. */
  adoptedFrom?: string;
  keyspaces: Record<string, StoredKeyspace>;
  /** Files of the keyspaces at work, by path. */
  files: Record<string, StoredBefore>;
}

/** How much work a power cut may cost. */
const SAVE_INTERVAL_MS = 30_000;

/**
 * How far a node backup is, kept beside it so that a later attempt goes on where an earlier one was. Only what is
 * durable is written down: a file that is named there needs no second look but a hash of its source.
 */
export class BackupProgress {
  readonly #storage: Storage;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #marker: Marker;
  #saved: number;
  #saving = false;

  private constructor(storage: Storage, key: string, clock: Clock, marker: Marker) {
    this.#storage = storage;
    this.#key = key;
    this.#clock = clock;
    this.#marker = marker;
    this.#saved = clock.now();
  }

  /** Claims the folder for this job, or goes on in it. Throws NAME_TAKEN when another job has put something there. */
  static async open(storage: Storage, request: StepRequest, clock: Clock): Promise<BackupProgress> {
    const { cluster, executorId, backupName, jobUuid } = request;
    const key = fileKey(cluster, executorId, backupName, 'started.json');
    const found = await storage.getDocument(key);
    if (found !== null) {
      const marker = parseMarker(key, found);
      if (marker.adoptedFrom !== undefined) throw nameTaken(storage, request, 'an adoption has begun there');
      if (marker.jobUuid !== jobUuid) throw nameTaken(storage, request, `job ${marker.jobUuid} has begun it`);
      return new BackupProgress(storage, key, clock, marker);
    }
    await refuseAnything(storage, request);
    const marker: Marker = { version: 1, jobUuid, started: clock.now(), keyspaces: {}, files: {} };
    await storage.putDocument(key, JSON.stringify(marker));
    return new BackupProgress(storage, key, clock, marker);
  }

  /**
   * Claims the folder for what is adopted from another one, or goes on with what an earlier job has adopted from there. `inPlace`: the files
   * lie in the folder already. Throws NAME_TAKEN when there is anything else of ours.
   */
  static async openAdoption(
    storage: Storage,
    request: StepRequest,
    clock: Clock,
    { from, inPlace }: { from: string; inPlace: boolean },
  ): Promise<BackupProgress> {
    const { cluster, executorId, backupName, jobUuid } = request;
    const key = fileKey(cluster, executorId, backupName, 'started.json');
    const found = await storage.getDocument(key);
    const fresh: Marker = { version: 1, jobUuid, started: clock.now(), adoptedFrom: from, keyspaces: {}, files: {} };
    const marker = found === null ? fresh : parseMarker(key, found);
    if (marker.adoptedFrom !== from) {
      const whose = marker.adoptedFrom === undefined ? 'a backup' : `an adoption from ${marker.adoptedFrom}`;
      throw nameTaken(storage, request, `${whose} has begun there`);
    }
    if (found === null && inPlace) {
      const manifest = manifestKey(cluster, executorId, backupName);
      if ((await storage.getDocument(manifest)) !== null) throw nameTaken(storage, request, `${manifest} is there`);
    } else if (found === null) {
      await refuseAnything(storage, request);
    }
    marker.jobUuid = jobUuid;
    await storage.putDocument(key, JSON.stringify(marker));
    return new BackupProgress(storage, key, clock, marker);
  }

  /** Epoch ms at which the first attempt began. */
  get started(): number {
    return this.#marker.started;
  }

  /** The folder of the location that it is adopted from. */
  get adoptedFrom(): string | undefined {
    return this.#marker.adoptedFrom;
  }

  /** What an earlier attempt has stored of the keyspace, when it is whole. */
  keyspace(name: string): StoredKeyspace | undefined {
    return this.#marker.keyspaces[name];
  }

  /** Size and hash of what an earlier attempt has stored under `path`. */
  file(path: string): StoredBefore | undefined {
    return this.#marker.files[path];
  }

  /** Notes a stored file; from time to time makes all of them durable. */
  async fileStored({ path, size, sha256, sent }: ManifestFile & { sent: boolean }): Promise<void> {
    this.#marker.files[path] = { size, sha256, sent };
    if (this.#saving || this.#clock.now() - this.#saved < SAVE_INTERVAL_MS) return;
    await this.#save();
  }

  async keyspaceStored(name: string, stored: StoredKeyspace): Promise<void> {
    this.#marker.keyspaces[name] = stored;
    for (const { path } of stored.files) delete this.#marker.files[path];
    await this.#save();
  }

  async #save(): Promise<void> {
    this.#saving = true;
    try {
      // What is noted while the flush runs may not be durable when it returns, so the text is taken before.
      const text = JSON.stringify(this.#marker);
      await this.#storage.flush();
      await this.#storage.putDocument(this.#key, text);
      this.#saved = this.#clock.now();
    } finally {
      this.#saving = false;
    }
  }
}

function parseMarker(key: string, text: string): Marker {
  try {
    const marker = JSON.parse(text) as Marker;
    if (marker.version === 1 && typeof marker.jobUuid === 'string') return marker;
    throw new OperatorError('BACKUP_DAMAGED', 'expected version 1 and a job, got something else');
  } catch (error) {
    throw wrapError(`read ${key}`, error, 'BACKUP_DAMAGED');
  }
}

async function refuseAnything(storage: Storage, request: StepRequest): Promise<void> {
  const { cluster, executorId, backupName } = request;
  for await (const { key } of storage.list(`${nodeKey(cluster, executorId, backupName)}/`)) {
    throw nameTaken(storage, request, `${key} is there`);
  }
}

function nameTaken(storage: Storage, { backupName }: StepRequest, reason: string): OperatorError {
  return new OperatorError('NAME_TAKEN', `the name ${backupName} is taken in ${storage.url}: ${reason}`, {
    hint: 'A backup name is used once: choose another one.',
  });
}
