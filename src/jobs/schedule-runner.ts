import { pause, type Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { Schedule } from '../model/schedule.ts';
import type { State } from '../state/database.ts';
import type { BackupCatalogue } from './backup-catalogue.ts';
import type { ClusterJobs } from './cluster-jobs.ts';
import { startPruning } from './pruning.ts';
import { decide, isNameOf, jobEnded, madeBefore, refused } from './schedules.ts';

export interface ScheduleRunnerDeps {
  state: State;
  jobs: Pick<ClusterJobs, 'start'>;
  backups: Pick<BackupCatalogue, 'listAt'>;
  clock: Clock;
  log: Logger;
}

const LOOK_MS = 1_000;

/** How many jobs are looked through for one that was started and not noted. */
const RECENT = 20;

/** Starts what schedules want at its time. What was decided is stored before it is done; done twice it has one effect, for a name is used once. */
export class ScheduleRunner {
  readonly #deps: ScheduleRunnerDeps;

  constructor(deps: ScheduleRunnerDeps) {
    this.#deps = deps;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        log.error({ err: error }, 'schedules could not be looked at');
      }
      await pause(clock, LOOK_MS, signal);
    }
  }

  /** Does everything that is due now. */
  async look(): Promise<void> {
    const { state } = this.#deps;
    for (const { name } of state.schedules.all()) {
      const schedule = this.#settle(name);
      if (schedule === null || state.jobs.running() !== null) continue;
      if (schedule.current !== null) await this.#start(schedule);
      else if (schedule.pruneDue) await this.#prune(schedule);
    }
  }

  /** What time and the end of its job bring about; null when it has gone. */
  #settle(name: string): Schedule | null {
    const { state, clock } = this.#deps;
    return state.transaction(() => {
      const before = state.schedules.get(name);
      if (before === null) return null;
      const job = this.#jobOf(before);
      const noted =
        job && before.current?.job === null ? { ...before, current: { ...before.current, job: job.id } } : before;
      const settled = job === null ? noted : jobEnded(noted, job);
      const running = state.jobs.running();
      const after = decide(settled, clock.now(), running && `job ${running.id} ${running.type}`);
      if (after !== before) {
        state.schedules.save(after);
        this.#tell(before, after);
      }
      return after;
    });
  }

  /** By its number, or when the scheduler ended before it could note that, by the backup's name. */
  #jobOf({ name, current }: Schedule): ClusterJob | null {
    const { state } = this.#deps;
    if (current === null) return null;
    if (current.job !== null) return state.jobs.get(current.job);
    const isOurs = ({ type, backupName, parameters }: ClusterJob): boolean =>
      type === 'BACKUP' && backupName === current.backupName && parameters.schedule === name;
    return state.jobs.list(RECENT).find(isOurs) ?? null;
  }

  async #start(schedule: Schedule): Promise<void> {
    const { jobs, clock } = this.#deps;
    const { name, current, parameters } = schedule;
    // It runs, or its job is not known any more: then nothing can be said of it.
    if (current === null || current.job !== null) return;
    try {
      const { id: job } = await jobs.start('BACKUP', { ...parameters, name: current.backupName, schedule: name });
      this.#change(name, (now) => (now.current === null ? now : { ...now, current: { ...now.current, job } }));
    } catch (error) {
      // Another one was faster: its turn comes.
      const code = error instanceof OperatorError ? error.code : null;
      if (code === 'JOB_RUNNING') return;
      if (code === 'NAME_TAKEN') this.#change(name, (now) => madeBefore(now, clock.now()));
      else this.#change(name, (now) => refused(now, messageOf(error), clock.now()));
    }
  }

  /** Deleting too little does no harm: where it cannot be done now, the next success tries again. */
  async #prune(schedule: Schedule): Promise<void> {
    const { jobs, backups, clock, log } = this.#deps;
    const { name, retention, parameters } = schedule;
    if (retention !== null) {
      // Backups that somebody made by hand, or another schedule, are not this one's to delete.
      const isMeant = (backup: string): boolean => isNameOf(schedule, backup);
      const scope = { location: parameters.location, schedule: name, isMeant };
      try {
        await startPruning({ backups, jobs, now: () => clock.now() }, retention, scope);
      } catch (error) {
        if (error instanceof OperatorError && error.code === 'JOB_RUNNING') return;
        log.error({ schedule: name, err: error }, 'the backups of a schedule could not be pruned');
      }
    }
    this.#change(name, (now) => ({ ...now, pruneDue: false }));
  }

  #change(name: string, rule: (schedule: Schedule) => Schedule): void {
    const { state } = this.#deps;
    state.transaction(() => {
      const before = state.schedules.get(name);
      if (before === null) return;
      const after = rule(before);
      state.schedules.save(after);
      this.#tell(before, after);
    });
  }

  #tell(before: Schedule, { name, lastRun, failures }: Schedule): void {
    if (lastRun === null || lastRun === before.lastRun) return;
    const { log } = this.#deps;
    const { result, message, job } = lastRun;
    const words = {
      schedule: name,
      result,
      ...(job === null ? {} : { job }),
      ...(message === null ? {} : { message }),
    };
    if (result === 'SUCCESS') log.info(words, 'scheduled backup made');
    else if (result === 'SKIPPED') log.warn(words, 'scheduled backup left out');
    else log.error({ ...words, failures }, 'scheduled backup failed');
  }
}
