import type { Clock } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import { checkBackupName } from '../model/backup-name.ts';
import { emptySummary, type BackupDetails, type BackupSummary } from '../model/backup-summary.ts';
import type { ForeignBackup } from '../model/foreign-backup.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { BackupEntry } from '../state/backups.ts';
import type { State } from '../state/database.ts';
import { backupJson, type BackupJson } from './backup-json.ts';
import { isSandboxLocation } from './catalogue.ts';
import { locationOf } from './start-request.ts';

/** What was found at a location, or why the scheduler's host cannot look there. */
export type Seen<T> = { seen: true; found: T } | { seen: false; reason: string };

/** Looks at locations from the scheduler's host. Not asked about sandboxes. Other clusters' backups are never shown. */
export interface BackupReader {
  list(location: string): Promise<Seen<BackupSummary[]>>;
  /** Null: nothing has that name. */
  read(location: string, name: string): Promise<Seen<BackupDetails | null>>;
  /** What other programs have made there, and could be adopted. */
  foreign(location: string): Promise<Seen<ForeignBackup[]>>;
}

export interface BackupCatalogueDeps {
  state: State;
  clock: Clock;
  defaultLocation: string;
  reader: BackupReader;
}

/** What other programs made at a location, as far as it can be seen from here. */
export interface ForeignList {
  location: string;
  seen: boolean;
  /** Why it could not be seen. */
  reason: string | null;
  backups: ForeignBackup[];
}

/** How a rescan went at one location. */
export interface Rescanned {
  location: string;
  seen: boolean;
  /** Why it could not be seen. */
  reason: string | null;
  backups: number;
}

const SANDBOX = "it is a directory in each node's own sandbox";

/**
 * Which backups there are. What lies at a location is the truth wherever the scheduler's host can see it; what it cannot see is told from
 * memory, and said to be.
 */
export class BackupCatalogue {
  readonly #deps: BackupCatalogueDeps;

  constructor(deps: BackupCatalogueDeps) {
    this.#deps = deps;
  }

  /** Newest first; of one location, or of all that this scheduler knows. */
  async list(location?: string): Promise<BackupJson[]> {
    const all: BackupJson[] = [];
    for (const each of this.#locations(location)) {
      const looked = await this.#look(each, (reader) => reader.list(each));
      const running = this.#runningAt(each);
      const known = this.#entries(each);
      if (!looked.seen) {
        all.push(...known.map((entry) => this.#remembered(entry, looked.reason)));
        continue;
      }
      const names = new Set(looked.found.map(({ name }) => name));
      const byName = new Map(known.map((entry) => [entry.name, entry]));
      all.push(...looked.found.map((summary) => this.#json(summary, each, byName.get(summary.name))));
      // It may not have stored anything yet.
      const begun = known.find(({ name }) => running?.backupName === name && !names.has(name));
      if (begun && running && isMaking(running)) all.push(this.#remembered(begun, null));
    }
    return all.toSorted((a, b) => (b.started ?? 0) - (a.started ?? 0) || (a.name < b.name ? -1 : 1));
  }

  /** Throws NAME_INVALID, BACKUP_NOT_FOUND. */
  async get(name: string, wanted?: string): Promise<BackupJson> {
    checkBackupName(name);
    const location = locationOf(wanted ?? this.#deps.defaultLocation);
    const looked = await this.#look(location, (reader) => reader.read(location, name));
    const entry = this.#deps.state.backups.find(location, name);
    if (looked.seen && looked.found !== null) {
      const { summary, parts: nodeBackups, missing } = looked.found;
      return { ...this.#json(summary, location, entry), nodeBackups, missing };
    }
    const isBegun = this.#runningAt(location)?.backupName === name;
    if (entry !== null && (!looked.seen || isBegun)) return this.#remembered(entry, looked.seen ? null : looked.reason);
    const unseen = looked.seen ? '' : `, and the scheduler cannot look there: ${looked.reason}`;
    throw new OperatorError('BACKUP_NOT_FOUND', `There is no backup ${name} at ${location}${unseen}`, {
      hint: 'GET /cluster/backups lists the backups that there are, with name and location.',
    });
  }

  /** What other programs have made at a location, and could be adopted. */
  async foreign(wanted?: string): Promise<ForeignList> {
    const location = locationOf(wanted ?? this.#deps.defaultLocation);
    const looked = await this.#look(location, (reader) => reader.foreign(location));
    if (!looked.seen) return { location, seen: false, reason: looked.reason, backups: [] };
    return { location, seen: true, reason: null, backups: looked.found };
  }

  /** Makes the memory of one location, or of all known ones, what lies there; of what cannot be seen nothing is forgotten. */
  async rescan(location?: string): Promise<Rescanned[]> {
    const results: Rescanned[] = [];
    for (const each of this.#locations(location)) {
      const begun = this.#deps.clock.now();
      const looked = await this.#look(each, (reader) => reader.list(each));
      if (looked.seen) this.#remember(each, looked.found, begun);
      results.push({
        location: each,
        seen: looked.seen,
        reason: looked.seen ? null : looked.reason,
        backups: looked.seen ? looked.found.length : this.#entries(each).length,
      });
    }
    return results;
  }

  /** Throws BACKUP_NEEDED when the backup is the only whole one at its location, as far as that can be told from here. */
  async checkNotOnlyWhole(name: string, wanted?: string): Promise<void> {
    const location = locationOf(wanted ?? this.#deps.defaultLocation);
    const whole = (await this.list(location)).filter(({ state }) => state === 'COMPLETE');
    if (whole.length !== 1 || whole[0]?.name !== name) return;
    throw new OperatorError('BACKUP_NEEDED', `Backup ${name} is the only whole one at ${location}`, {
      hint: 'Make another one first, or say force=true (cassandra-mesos: --force).',
    });
  }

  #remember(location: string, found: BackupSummary[], begun: number): void {
    const { state } = this.#deps;
    state.transaction(() => {
      const names = new Set(found.map(({ name }) => name));
      const runningName = this.#runningAt(location)?.backupName;
      for (const { name, started, finished } of this.#entries(location)) {
        // What came about while the location was looked at is not missing there.
        const isOld = (finished ?? started ?? 0) < begun;
        if (isOld && name !== runningName && !names.has(name)) state.backups.delete(location, name);
      }
      for (const summary of found) {
        if (summary.name === runningName) continue;
        const known = state.backups.find(location, summary.name);
        const { name, state: stored, started, finished } = summary;
        const jobId = this.#jobOf(summary) ?? known?.jobId ?? null;
        const times = { started: started ?? known?.started ?? null, finished: finished ?? known?.finished ?? null };
        state.backups.save({ location, name, jobId, state: stored, ...times, summary });
      }
    });
  }

  #json(summary: BackupSummary, location: string, known: BackupEntry | null = null): BackupJson {
    const state = this.#atWork(location, summary.name) ?? summary.state;
    const job = this.#jobOf(summary) ?? known?.jobId ?? null;
    const started = summary.started ?? known?.started ?? null;
    return backupJson({ ...summary, started }, { state, location, job, unseen: null });
  }

  /** As it was when a job of this scheduler, or a rescan, last had to do with it. */
  #remembered(entry: BackupEntry, unseen: string | null): BackupJson {
    const { name, location, state: last, started, finished, jobId: job } = entry;
    const state = this.#atWork(location, name) ?? last;
    const summary = entry.summary ?? emptySummary(name, last === 'RUNNING' ? 'INCOMPLETE' : last, null, []);
    return backupJson({ ...summary, started, finished }, { state, location, job, unseen });
  }

  #atWork(location: string, name: string): 'RUNNING' | 'DELETING' | null {
    const job = this.#runningAt(location);
    if (job?.backupName !== name) return null;
    if (job.type === 'DELETE') return 'DELETING';
    return isMaking(job) ? 'RUNNING' : null;
  }

  #runningAt(location: string): ClusterJob | null {
    const job = this.#deps.state.jobs.running();
    return job?.location === location ? job : null;
  }

  #jobOf({ jobUuid }: BackupSummary): number | null {
    return jobUuid === null ? null : this.#deps.state.jobs.idOf(jobUuid);
  }

  #entries(location: string): BackupEntry[] {
    return this.#deps.state.backups.list().filter((entry) => entry.location === location);
  }

  #locations(wanted: string | undefined): string[] {
    if (wanted !== undefined) return [locationOf(wanted)];
    const { state, defaultLocation } = this.#deps;
    return [...new Set([locationOf(defaultLocation), ...state.backups.list().map(({ location }) => location)])];
  }

  async #look<T>(location: string, look: (reader: BackupReader) => Promise<Seen<T>>): Promise<Seen<T>> {
    return isSandboxLocation(location) ? { seen: false, reason: SANDBOX } : look(this.#deps.reader);
  }
}

function isMaking({ type }: ClusterJob): boolean {
  return type === 'BACKUP' || type === 'ADOPT';
}
