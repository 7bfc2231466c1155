import type { Clock } from '../clock.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { storedBytes, type ManifestFile, type ManifestTable } from '../model/backup.ts';
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
type StoredBefore = Pick<ManifestFile, 'size' | 'sha256' | 'encoding' | 'source'> & { sent?: boolean };

/** What is stored already. */
export interface Stored {
  keyspaces: Record<string, StoredKeyspace>;
  /** Files of the keyspaces at work, by path. */
  files: Record<string, StoredBefore>;
}

/** What was sent, in files and bytes. */
interface Sent {
  filesSent: number;
  bytesSent: number;
}

/** `started.json` in the node backup's folder: whose it is, and how far it is. */
interface Marker extends Stored {
  version: 1;
  jobUuid: string;
  /** A resumed backup: all its jobs, the first one first; what those before this one have sent; and the manifest that the record names. */
  jobs?: string[];
  sentBefore?: Sent;
  keptManifest?: string;
  /** Epoch ms. */
  started: number;
  /** The folder of the location that a tree of another program is adopted from, and the node's in it; that is its executor id where it is absent. */
  adoptedFrom?: string;
  adoptedFolder?: string;
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

  /**
   * Claims the folder for this job, or goes on in it. Throws NAME_TAKEN when another job has put something there; of a job that is resumed,
   * what `keep` says is taken over instead.
   */
  static async open(
    storage: Storage,
    request: StepRequest,
    clock: Clock,
    keep?: (stored: Stored) => Promise<Stored>,
  ): Promise<BackupProgress> {
    const { cluster, executorId, backupName, jobUuid } = request;
    const key = fileKey(cluster, executorId, backupName, 'started.json');
    const found = await storage.getDocument(key);
    if (found !== null) {
      const marker = parseMarker(key, found);
      if (marker.adoptedFrom !== undefined) throw nameTaken(storage, request, 'an adoption has begun there');
      if (marker.jobUuid !== jobUuid) {
        if (keep === undefined) throw nameTaken(storage, request, `job ${marker.jobUuid} has begun it`);
        Object.assign(marker, takenOver(marker, await keep(marker), jobUuid));
        await storage.putDocument(key, JSON.stringify(marker));
      }
      return new BackupProgress(storage, key, clock, marker);
    }
    await refuseAnything(storage, request);
    const jobs = request.resumes === undefined ? {} : { jobs: [...request.resumes, jobUuid] };
    const marker: Marker = { version: 1, jobUuid, ...jobs, started: clock.now(), keyspaces: {}, files: {} };
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
    { from, folder, inPlace }: { from: string; folder: string; inPlace: boolean },
  ): Promise<BackupProgress> {
    const { cluster, executorId, backupName, jobUuid } = request;
    const key = fileKey(cluster, executorId, backupName, 'started.json');
    const found = await storage.getDocument(key);
    const where = { adoptedFrom: from, adoptedFolder: folder };
    const fresh: Marker = { version: 1, jobUuid, started: clock.now(), ...where, keyspaces: {}, files: {} };
    const marker = found === null ? fresh : parseMarker(key, found);
    const { adoptedFrom, adoptedFolder = executorId } = marker;
    if (adoptedFrom !== from || adoptedFolder !== folder) {
      const whose = adoptedFrom === undefined ? 'a backup' : `an adoption from ${adoptedFrom}/${adoptedFolder}`;
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

  /** The job that has begun the backup that is resumed; null where nobody knows of any. */
  get origin(): string | null {
    return this.#marker.jobs?.[0] ?? null;
  }

  /** True for jobs that have worked on this part of the backup. */
  isOurs(jobUuid: string): boolean {
    return jobUuid === this.#marker.jobUuid || (this.#marker.jobs ?? []).includes(jobUuid);
  }

  /** What jobs before this one have sent of what is kept. */
  get sentBefore(): Sent {
    return this.#marker.sentBefore ?? { filesSent: 0, bytesSent: 0 };
  }

  /** Notes that the manifest of this checksum lies beside the one that is to come, until that is committed. */
  async manifestKept(sha256: string): Promise<void> {
    this.#marker.keptManifest = sha256;
    await this.#save();
  }

  /** Checksum of that manifest; null where there is none. */
  get keptManifest(): string | null {
    return this.#marker.keptManifest ?? null;
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

  /**
   * Where a file lies that is stored anew. In a resumed backup what an earlier job has stored of that name stays as it is: the present record, or other
   * backups, may need it.
   */
  keyOf(path: string): string {
    const { jobUuid, jobs, files } = this.#marker;
    const isKept = jobs !== undefined && files[path] !== undefined;
    return this.#key.replace(/[^/]+$/, isKept ? `${jobUuid}/${path}` : path);
  }

  /** Notes a stored file; from time to time makes all of them durable. */
  async fileStored({ path, size, sha256, encoding, source, sent }: ManifestFile & { sent: boolean }): Promise<void> {
    const how = { ...(encoding === undefined ? {} : { encoding }), ...(source === undefined ? {} : { source }) };
    this.#marker.files[path] = { size, sha256, ...how, sent };
    if (this.#saving || this.#clock.now() - this.#saved < SAVE_INTERVAL_MS) return;
    await this.#save();
  }

  async keyspaceStored(name: string, stored: StoredKeyspace): Promise<void> {
    this.#marker.keyspaces[name] = stored;
    for (const { path } of stored.files) delete this.#marker.files[path];
    await this.#save();
  }

  /** Makes all that is noted durable, so that a later job need not send it again. */
  async save(): Promise<void> {
    if (!this.#saving && Object.keys(this.#marker.files).length > 0) await this.#save();
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

/** Checksum of the manifest that was kept beside the one of a resumed backup; null when there is none. */
export async function keptManifest(storage: Storage, request: StepRequest): Promise<string | null> {
  const { cluster, executorId, backupName } = request;
  const key = fileKey(cluster, executorId, backupName, 'started.json');
  const text = await storage.getDocument(key);
  return text === null ? null : (parseMarker(key, text).keptManifest ?? null);
}

/** What another job has stored becomes this job's, which has sent none of it. */
function takenOver(before: Marker, { keyspaces, files }: Stored, jobUuid: string): Partial<Marker> {
  const stored = Object.entries(files);
  const reports = Object.values(keyspaces).map(({ report }) => report);
  const sent = stored.filter(([, file]) => file.sent !== false).map(([, file]) => storedBytes(file));
  const { filesSent, bytesSent } = before.sentBefore ?? { filesSent: 0, bytesSent: 0 };
  return {
    jobUuid,
    jobs: [...(before.jobs ?? [before.jobUuid]), jobUuid],
    sentBefore: {
      filesSent: reports.reduce((sum, report) => sum + (report.filesSent ?? 0), filesSent) + sent.length,
      bytesSent: reports.reduce((sum, report) => sum + (report.bytesSent ?? 0), bytesSent) + sum(sent),
    },
    keyspaces: Object.fromEntries(Object.entries(keyspaces).map(([name, entry]) => [name, notSent(entry)])),
    files: Object.fromEntries(stored.map(([path, file]) => [path, { ...file, sent: false }])),
  };
}

const NOT_SENT = { filesSent: 0, bytesSent: 0 };

function notSent({ report, ...entry }: StoredKeyspace): StoredKeyspace {
  const tables = Object.entries(report.tables).map(([name, table]) => [name, { ...table, ...NOT_SENT }]);
  return { ...entry, report: { ...report, ...NOT_SENT, tables: Object.fromEntries(tables) } };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
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
