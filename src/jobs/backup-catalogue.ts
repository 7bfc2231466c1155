import { pause, type Clock } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import { checkBackupName } from '../model/backup-name.ts';
import { takeOptions } from '../model/coding-options.ts';
import { emptySummary, type BackupSummary } from '../model/backup-summary.ts';
import type { GivenCredentials } from '../model/credentials.ts';
import type { ForeignBackup } from '../model/foreign-backup.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { BackupEntry, BackupNote } from '../state/backups.ts';
import type { State } from '../state/database.ts';
import { backupJson, type BackupJson } from './backup-json.ts';
import { BackupMemory } from './backup-memory.ts';
import type { BackupReader, Seen } from './backup-reader.ts';
import { isSandboxLocation } from './catalogue.ts';
import { checkGiven } from './request-credentials.ts';
import { locationOf } from './start-request.ts';

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

/** How long one backup's answer waits for its own bytes to be counted. */
const COUNT_MS = 300;

const SANDBOX = "it is a directory in each node's own sandbox";

/**
 * Which backups there are. What lies at a location is the truth wherever the scheduler's host can see it; what it cannot see is told from
 * memory, and said to be.
 */
export class BackupCatalogue {
  readonly #deps: BackupCatalogueDeps;
  readonly #memory: BackupMemory;

  constructor(deps: BackupCatalogueDeps) {
    this.#deps = deps;
    this.#memory = new BackupMemory(deps.state, deps.defaultLocation);
  }

  /** Of one location: the scheduler's own where none is named. */
  listAt(location?: string, given?: GivenCredentials): Promise<BackupJson[]> {
    return this.list(location ?? this.#deps.defaultLocation, given);
  }

  /** Newest first; of one location, or of all that this scheduler knows. Throws BAD_REQUEST for credentials that are not the location's. */
  async list(location?: string, given?: GivenCredentials): Promise<BackupJson[]> {
    const all: BackupJson[] = [];
    const seen = new Set<string>();
    for (const each of this.#locations(location)) {
      if (given) checkGiven(given, each);
      // The same place with other options, as before it was to be encrypted, has the same backups.
      const { place } = takeOptions(each);
      if (seen.has(place)) continue;
      const looked = await this.#look(each, (reader) => reader.list(each, given));
      const running = this.#runningAt(each);
      if (looked.seen) seen.add(place);
      if (looked.seen) all.push(...this.#listSeen(each, looked.found, running));
      else all.push(...this.#memory.at(each).map((entry) => remembered(entry, running, looked.reason)));
    }
    return all.toSorted((a, b) => (b.started ?? 0) - (a.started ?? 0) || (a.name < b.name ? -1 : 1));
  }

  /** Throws NAME_INVALID, BACKUP_NOT_FOUND. */
  async get(name: string, wanted?: string): Promise<BackupJson> {
    checkBackupName(name);
    const location = locationOf(wanted ?? this.#deps.defaultLocation);
    const looked = await this.#look(location, (reader) => reader.read(location, name));
    const entry = this.#memory.find(location, name);
    const running = this.#runningAt(location);
    if (looked.seen && looked.found !== null) {
      const { summary, parts: nodeBackups, missing } = looked.found;
      if (stateAtWork(running, name) === null) await this.#countOwnBytes(location, name);
      return { ...this.#json(summary, location, entry, running), nodeBackups, missing };
    }
    const isBegun = running?.backupName === name;
    if (entry !== null && (!looked.seen || isBegun))
      return remembered(entry, running, looked.seen ? null : looked.reason);
    const unseen = looked.seen ? '' : `, and the scheduler cannot look there: ${looked.reason}`;
    throw new OperatorError('BACKUP_NOT_FOUND', `There is no backup ${name} at ${location}${unseen}`, {
      hint: 'GET /cluster/backups lists the backups that there are, with name and location.',
    });
  }

  /** What other programs have made at a location, and could be adopted. */
  async foreign(wanted?: string, given?: GivenCredentials): Promise<ForeignList> {
    const location = locationOf(wanted ?? this.#deps.defaultLocation);
    if (given) checkGiven(given, location);
    const looked = await this.#look(location, (reader) => reader.foreign(location, given));
    if (!looked.seen) return { location, seen: false, reason: looked.reason, backups: [] };
    return { location, seen: true, reason: null, backups: looked.found };
  }

  /** Makes the memory of one location, or of all known ones, what lies there; of what cannot be seen nothing is forgotten. */
  async rescan(location?: string): Promise<Rescanned[]> {
    const results: Rescanned[] = [];
    for (const each of this.#locations(location)) {
      const begun = this.#deps.clock.now();
      const looked = await this.#look(each, (reader) => reader.list(each));
      if (looked.seen) this.#memory.replace(each, looked.found, this.#runningAt(each)?.backupName ?? null, begun);
      results.push({
        location: each,
        seen: looked.seen,
        reason: looked.seen ? null : looked.reason,
        backups: looked.seen ? looked.found.length : this.#memory.notes(each).size,
      });
    }
    return results;
  }

  /** Throws BACKUP_NEEDED when the backup is the only whole one at its location, as far as that can be told from here. */
  async checkNotOnlyWhole(name: string, wanted?: string, given?: GivenCredentials): Promise<void> {
    const location = locationOf(wanted ?? this.#deps.defaultLocation);
    const whole = (await this.list(location, given)).filter(({ state }) => state === 'COMPLETE');
    if (whole.length !== 1 || whole[0]?.name !== name) return;
    throw new OperatorError('BACKUP_NEEDED', `Backup ${name} is the only whole one at ${location}`, {
      hint: 'Make another one first, or say force=true (cassandra-mesos: --force).',
    });
  }

  #listSeen(location: string, found: BackupSummary[], running: ClusterJob | null): BackupJson[] {
    this.#memory.keep(location, found, running?.backupName ?? null);
    const notes = this.#memory.notes(location);
    const listed = found.map((summary) => this.#json(summary, location, notes.get(summary.name) ?? null, running));
    const isListed = found.some(({ name }) => name === running?.backupName);
    // It may not have stored anything yet.
    const begun = running && isMaking(running) && !isListed && this.#memory.find(location, running.backupName ?? '');
    return begun ? [...listed, remembered(begun, running, null)] : listed;
  }

  #json(summary: BackupSummary, location: string, known: BackupNote | null, running: ClusterJob | null): BackupJson {
    const state = stateAtWork(running, summary.name) ?? summary.state;
    const job = this.#memory.jobOf(summary) ?? known?.jobId ?? null;
    const started = summary.started ?? known?.started ?? null;
    const bytesOwn = this.#deps.reader.ownBytes(location, summary.name);
    return backupJson({ ...summary, started }, { state, location, job, bytesOwn, unseen: null });
  }

  /** Goes on beside when it takes longer. */
  async #countOwnBytes(location: string, name: string): Promise<void> {
    const { reader, clock } = this.#deps;
    const answered = new AbortController();
    // What could not be counted is not known, and is counted again when somebody asks again.
    const counted = reader.countOwnBytes(location, name).catch(() => null);
    await Promise.race([counted, pause(clock, COUNT_MS, answered.signal)]);
    answered.abort();
  }

  #runningAt(location: string): ClusterJob | null {
    const job = this.#deps.state.jobs.running();
    const isHere = typeof job?.location === 'string' && takeOptions(job.location).place === takeOptions(location).place;
    return isHere ? job : null;
  }

  #locations(wanted: string | undefined): string[] {
    return wanted === undefined ? this.#memory.locations() : [locationOf(wanted)];
  }

  async #look<T>(location: string, look: (reader: BackupReader) => Promise<Seen<T>>): Promise<Seen<T>> {
    return isSandboxLocation(location) ? { seen: false, reason: SANDBOX } : look(this.#deps.reader);
  }
}

/** As it was when a job of this scheduler, or a look at the location, last had to do with it. */
function remembered(entry: BackupEntry, running: ClusterJob | null, unseen: string | null): BackupJson {
  const { name, location, state: last, started, finished, jobId: job } = entry;
  const state = stateAtWork(running, name) ?? last;
  const summary = entry.summary ?? emptySummary(name, last === 'RUNNING' ? 'INCOMPLETE' : last, null, []);
  return backupJson({ ...summary, started, finished }, { state, location, job, unseen });
}

/** What the job that runs at its location does with a backup; null where it is about another one. */
function stateAtWork(running: ClusterJob | null, name: string): 'RUNNING' | 'DELETING' | null {
  if (running?.backupName !== name) return null;
  if (running.type === 'DELETE') return 'DELETING';
  return isMaking(running) ? 'RUNNING' : null;
}

function isMaking({ type }: ClusterJob): boolean {
  return type === 'BACKUP' || type === 'ADOPT';
}
