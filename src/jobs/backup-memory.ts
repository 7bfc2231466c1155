import type { BackupSummary } from '../model/backup-summary.ts';
import type { BackupEntry, BackupNote } from '../state/backups.ts';
import type { State } from '../state/database.ts';
import { locationOf } from './start-request.ts';

/** What this scheduler remembers of backups: those that it made, and those that it saw. A cache of what lies at the locations. */
export class BackupMemory {
  readonly #state: State;
  readonly #defaultLocation: string;
  /** Summaries that are written down. */
  readonly #kept = new WeakSet<BackupSummary>();

  constructor(state: State, defaultLocation: string) {
    this.#state = state;
    this.#defaultLocation = locationOf(defaultLocation);
  }

  /** All that this scheduler has had to do with, the default one first. */
  locations(): string[] {
    return [...new Set([this.#defaultLocation, ...this.#state.backups.locations()])];
  }

  find(location: string, name: string): BackupEntry | null {
    return this.#state.backups.find(location, name);
  }

  at(location: string): BackupEntry[] {
    return this.#state.backups.at(location);
  }

  /** All at a location by name, without their summaries. */
  notes(location: string): Map<string, BackupNote> {
    return new Map(this.#state.backups.briefly(location).map((note) => [note.name, note]));
  }

  jobOf({ jobUuid }: BackupSummary): number | null {
    return jobUuid === null ? null : this.#state.jobs.idOf(jobUuid);
  }

  /**
   * Writes down what was read anew of known backups, so that it need not be read again after a restart. Others are left to a rescan: what was
   * deleted while the location was looked at must not come back.
   */
  keep(location: string, found: readonly BackupSummary[], runningName: string | null): void {
    const fresh = found.filter((summary) => summary.fingerprint !== null && !this.#kept.has(summary));
    if (fresh.length === 0) return;
    const notes = this.notes(location);
    const known = fresh.filter(({ name }) => notes.has(name) && name !== runningName);
    this.#state.transaction(() => this.#save(location, known));
  }

  /** Makes the memory of a location what lies there. `begun`: when it was looked at, epoch ms. */
  replace(location: string, found: readonly BackupSummary[], runningName: string | null, begun: number): void {
    this.#state.transaction(() => {
      const names = new Set(found.map(({ name }) => name));
      for (const { name, started, finished } of this.#state.backups.briefly(location)) {
        // What came about while the location was looked at is not missing there.
        const isOld = (finished ?? started ?? 0) < begun;
        if (isOld && name !== runningName && !names.has(name)) this.#state.backups.delete(location, name);
      }
      this.#save(
        location,
        found.filter(({ name }) => name !== runningName),
      );
    });
  }

  #save(location: string, found: readonly BackupSummary[]): void {
    const notes = this.notes(location);
    const fingerprints = this.#state.backups.fingerprints(location);
    for (const summary of found) {
      const { name, state, fingerprint } = summary;
      const known = notes.get(name);
      this.#kept.add(summary);
      // A thousand of them are megabytes: those that are written down already are not written again.
      if (fingerprint !== null && fingerprints.get(name) === fingerprint && known?.state === state) continue;
      const jobId = this.jobOf(summary) ?? known?.jobId ?? null;
      const started = summary.started ?? known?.started ?? null;
      const finished = summary.finished ?? known?.finished ?? null;
      this.#state.backups.save({ location, name, jobId, state, started, finished, summary });
    }
  }
}
