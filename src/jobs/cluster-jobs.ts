import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { JobType } from '../model/phase.ts';
import type { State } from '../state/database.ts';
import { abort } from './advance.ts';
import { checkCanBeRestored, checkNameIsFree, entryOf, isSandboxLocation, type FoundBackup } from './catalogue.ts';
import { planBackup, planRestore } from './plan.ts';
import { jobErrors } from './shortfalls.ts';
import { backupNameOf, locationOf, parametersOf, type StartRequest } from './start-request.ts';
import { resumed } from './step-updates.ts';

export type { FoundBackup } from './catalogue.ts';

export interface ClusterJobsDeps {
  state: State;
  clock: Clock;
  cluster: string;
  /** Where backups lie when a request does not say. */
  defaultLocation: string;
  /** Called after a job was started or aborted: there is something to do. */
  wake: () => void;
  /** Looks at a location for what lies under a name. Not asked about sandboxes. */
  findBackup: (location: string, name: string) => Promise<FoundBackup>;
}

/** The cluster jobs as the API sees them, and the one way in which the scheduler changes them. */
export class ClusterJobs {
  readonly #deps: ClusterJobsDeps;

  constructor(deps: ClusterJobsDeps) {
    this.#deps = deps;
    this.resume();
  }

  /**
   * Starts a job when none is running. Throws before anything is stored: NAME_REQUIRED, NAME_INVALID, NAME_TAKEN,
   * BAD_REQUEST, NODE_DOWN, JOB_RUNNING, BACKUP_NOT_FOUND, BACKUP_INCOMPLETE, BACKUP_DAMAGED.
   */
  async start(type: JobType, request: StartRequest): Promise<ClusterJob> {
    const { state, clock, defaultLocation, wake } = this.#deps;
    const name = backupNameOf(type, request, clock.now());
    const location = locationOf(request.location ?? defaultLocation);
    parametersOf(type, request, state.nodes.all());
    this.#checkIdle();
    const found = await this.#find(location, name);
    // While the location was looked at, another start may have come first: what counts is checked again here.
    const job = state.transaction(() => {
      this.#checkIdle();
      const nodes = state.nodes.all();
      const parameters = parametersOf(type, request, nodes);
      const entry = state.backups.find(location, name);
      const isChoice = parameters.keyspaces !== null || parameters.tables !== null;
      const candidate = { name, location, found, entry, isChoice };
      if (type === 'BACKUP') checkNameIsFree(candidate);
      else checkCanBeRestored(candidate, () => this.#missing(entry?.jobId));
      const plan = type === 'BACKUP' ? planBackup : planRestore;
      const uuid = randomUUID();
      return this.#catalogued(
        state.jobs.insert(plan({ uuid, backupName: name, location, parameters }, nodes, clock.now())),
      );
    });
    wake();
    return job;
  }

  /**
   * Ends the running job of a type after its running steps, with `now` by killing them. False when there is
   * none, or when it is aborted already and `now` says nothing new.
   */
  abort(type: JobType, now: boolean): boolean {
    const job = this.running(type);
    if (!job) return false;
    const after = this.update(job.id, (current) => abort(current, now));
    const changed = after.aborted !== job.aborted || after.abortNow !== job.abortNow;
    if (changed) this.#deps.wake();
    return changed;
  }

  /** The running job; null when none is, or when it is of another type than the one asked for. */
  running(type?: JobType): ClusterJob | null {
    const job = this.#deps.state.jobs.running();
    return type === undefined || job?.type === type ? job : null;
  }

  /** The newest finished job of a type, however it ended. */
  last(type: JobType): ClusterJob | null {
    return this.#deps.state.jobs.last(type);
  }

  /** Newest first. */
  list(limit = 1_000): ClusterJob[] {
    return this.#deps.state.jobs.list(limit);
  }

  get(id: number): ClusterJob | null {
    return this.#deps.state.jobs.get(id);
  }

  /**
   * Changes a job by a rule and stores it, together with its entry in the catalogue, before it returns. The
   * rule gives back the same object for "nothing to change".
   */
  update(id: number, rule: (job: ClusterJob) => ClusterJob): ClusterJob {
    const { state } = this.#deps;
    return state.transaction(() => {
      const before = state.jobs.get(id);
      if (!before) throw new OperatorError('NOT_FOUND', `There is no cluster job ${id}`);
      const after = rule(before);
      if (after === before) return before;
      state.jobs.save(after, before);
      return after.finished === before.finished ? after : this.#catalogued(after);
    });
  }

  /**
   * To be called while the scheduler is cut off from Mesos and when it is back: the time away counts against no
   * step. A new ClusterJobs begins with it.
   */
  resume(): void {
    const job = this.running();
    if (job) this.update(job.id, (current) => resumed(current, this.#deps.clock.now()));
  }

  #checkIdle(): void {
    const job = this.#deps.state.jobs.running();
    if (!job) return;
    const { id, type, backupName } = job;
    throw new OperatorError('JOB_RUNNING', `Job ${id} is running: ${type} ${backupName}. One job runs at a time`, {
      hint: 'Wait for its end, or abort it.',
      details: { job: id },
    });
  }

  async #find(location: string, name: string): Promise<FoundBackup> {
    if (isSandboxLocation(location)) return { state: 'UNKNOWN', message: null };
    return this.#deps.findBackup(location, name);
  }

  /** What a backup lacks, as the job that made it says. */
  #missing(jobId: number | undefined): string | null {
    const job = jobId === undefined ? null : this.get(jobId);
    const errors = job ? jobErrors(job) : [];
    if (errors.length === 0) return null;
    return errors
      .map(({ executorId, keyspace, message }) => [executorId, keyspace, message].filter(Boolean).join(': '))
      .join('; ');
  }

  #catalogued(job: ClusterJob): ClusterJob {
    const entry = entryOf(job);
    if (entry) this.#deps.state.backups.save(entry);
    return job;
  }
}
