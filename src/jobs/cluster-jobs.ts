import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import type { ClusterJob, JobParameters } from '../model/cluster-job.ts';
import type { GivenCredentials } from '../model/credentials.ts';
import type { ClusterNode } from '../model/node.ts';
import { isBackupJob, isLocationJob, type JobType } from '../model/phase.ts';
import type { State } from '../state/database.ts';
import { checkCanBeAdopted } from './adoption.ts';
import { abort, advance } from './advance.ts';
import {
  checkCanBeDeleted,
  checkCanBeRestored,
  checkCanBeVerified,
  checkNameIsFree,
  isSandboxLocation,
  type Candidate,
  type FoundBackup,
} from './catalogue.ts';
import { rememberJob } from './catalogued.ts';
import { JobChanges, type JobListener } from './job-changes.ts';
import type { Limits } from './limits.ts';
import { giveOrders } from './node-orders.ts';
import { withPace, type PaceChange } from './pace.ts';
import { planJob } from './plan.ts';
import { ringOf } from './readiness.ts';
import { checkGiven, withoutKeylessSteps, withoutLostCredentials } from './request-credentials.ts';
import { checkCanBeResumed, checkNobodyLeft, resumedJobs, resumingRequest } from './resume.ts';
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
  findBackup: (location: string, name: string, given?: GivenCredentials) => Promise<FoundBackup>;
  /** Throws BAD_REQUEST for a location that no node could open, by its text alone. Left out: none is refused. */
  checkLocation?: (location: string) => void;
  /** Called within the transaction that ends a job, for what has to be stored together with that. */
  onEnd?: (job: ClusterJob) => void;
}

/** The cluster jobs as the API sees them, and the one way in which the scheduler changes them. */
export class ClusterJobs {
  readonly #deps: ClusterJobsDeps;
  readonly #changes: JobChanges;
  /** By job. Nowhere else, and no longer than the job runs. */
  readonly #credentials = new Map<number, GivenCredentials>();

  constructor(deps: ClusterJobsDeps) {
    this.#deps = deps;
    this.#changes = new JobChanges((id) => deps.state.jobs.get(id));
    this.resume();
  }

  /**
   * Starts a job when none is running. Throws before anything is stored: BAD_REQUEST, NODE_DOWN, JOB_RUNNING, and for
   * jobs about a backup NAME_REQUIRED, NAME_INVALID, NAME_TAKEN, BACKUP_NOT_FOUND, BACKUP_INCOMPLETE, BACKUP_DAMAGED.
   */
  async start(type: JobType, asked: StartRequest): Promise<ClusterJob> {
    const { state, clock, wake, defaultLocation } = this.#deps;
    const { credentials } = asked;
    if (isLocationJob(type)) this.checkLocation(asked.location);
    if (credentials && isLocationJob(type)) checkGiven(credentials, locationOf(asked.location ?? defaultLocation));
    const request = asked.resume ? resumingRequest(asked, this.#earlier(asked)) : asked;
    const sought = isBackupJob(type) ? await this.#seek(type, request) : null;
    // While the location was looked at, another start may have come first: what counts is checked again here.
    const job = state.transaction(() => {
      const nodes = state.nodes.all();
      const resumes = request.resume ? resumedJobs(this.#earlier(request)) : {};
      const parameters = { ...parametersOf(type, request, nodes), ...resumes };
      this.#checkIdle();
      if (sought) this.#checkBackup(type, sought, parameters);
      const location = isLocationJob(type) ? locationOf(request.location ?? defaultLocation) : null;
      const about = { backupName: sought?.name ?? null, location };
      const plan = planJob(type, { uuid: randomUUID(), ...about, parameters }, nodes, clock.now());
      return this.#inserted(state.jobs.insert(plan));
    });
    if (credentials) this.#credentials.set(job.id, credentials);
    wake();
    return job;
  }

  /** Throws BAD_REQUEST where a job at that location, or at the default one, would be refused for its text alone. */
  checkLocation(location: string | undefined): void {
    this.#deps.checkLocation?.(locationOf(location ?? this.#deps.defaultLocation));
  }

  /** What lies where a backup is to be made, read or deleted. Checks before it looks. */
  async #seek(type: JobType, request: StartRequest): Promise<Pick<Candidate, 'name' | 'location' | 'found'>> {
    const { state, clock, defaultLocation } = this.#deps;
    const name = backupNameOf(type, request, clock.now());
    const location = locationOf(request.location ?? defaultLocation);
    parametersOf(type, request, state.nodes.all());
    this.#checkIdle();
    return { name, location, found: await this.#find(location, name, request.credentials) };
  }

  #checkBackup(
    type: JobType,
    sought: Pick<Candidate, 'name' | 'location' | 'found'>,
    { keyspaces, tables, resume }: JobParameters,
  ): void {
    const entry = this.#deps.state.backups.find(sought.location, sought.name);
    const candidate = { ...sought, entry, isChoice: keyspaces !== null || tables !== null };
    if (type === 'BACKUP' && resume) this.#checkResume(candidate);
    else if (type === 'BACKUP') checkNameIsFree(candidate);
    else if (type === 'ADOPT') checkCanBeAdopted(candidate);
    else if (type === 'VERIFY') checkCanBeVerified(candidate);
    else if (type === 'DELETE') checkCanBeDeleted(candidate);
    else checkCanBeRestored(candidate, () => this.#missing(entry?.jobId ?? null));
  }

  #checkResume(candidate: Candidate): void {
    const earlier = this.#earlier(candidate);
    checkCanBeResumed(candidate, earlier);
    if (earlier !== null) checkNobodyLeft(earlier, this.#deps.state.nodes.all());
  }

  /** The last job that worked on a backup of that name; null when it is not known. */
  #earlier({ name, location }: Pick<StartRequest, 'name' | 'location'>): ClusterJob | null {
    const { state, defaultLocation } = this.#deps;
    const entry = state.backups.find(locationOf(location ?? defaultLocation), name ?? '');
    return entry === null || entry.jobId === null ? null : this.get(entry.jobId);
  }

  /**
   * Everything that time and the nodes' states bring about, with the orders that the job gives to nodes, in one
   * transaction. To be called after every change and every second or so. Null when no job is running.
   */
  tick(limits: Limits): ClusterJob | null {
    const { state, clock } = this.#deps;
    return state.transaction(() => {
      const before = state.jobs.running();
      if (!before) return null;
      const nodes = state.nodes.all();
      const now = clock.now();
      const { job, changed } = giveOrders(before, nodes, now, limits);
      for (const node of changed) state.nodes.save(node);
      const ring = changed.length === 0 ? nodes : state.nodes.all();
      return this.#store(before, advance(this.#withCredentials(job, ring, now), ring, now, limits));
    });
  }

  /** The job without the steps that had to be given what came with its request, and cannot. */
  #withCredentials(job: ClusterJob, nodes: ClusterNode[], now: number): ClusterJob {
    if (job.parameters.credentials === undefined || job.aborted) return job;
    return this.#credentials.has(job.id) ? withoutKeylessSteps(job, ringOf(nodes), now) : withoutLostCredentials(job);
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

  /**
   * Changes how many bytes per second a running job may move; its steps are told soon. Throws NOT_FOUND, BAD_REQUEST for a job that copies
   * nothing, JOB_ENDED.
   */
  pace(id: number, change: PaceChange): ClusterJob {
    const job = this.update(id, (current) => withPace(current, change));
    this.#deps.wake();
    return job;
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

  /** What came with the request of a job that runs; null where nothing did, or it is lost. */
  credentialsOf(id: number): GivenCredentials | null {
    return this.#credentials.get(id) ?? null;
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
      return this.#store(before, rule(before));
    });
  }

  #store(before: ClusterJob, after: ClusterJob): ClusterJob {
    if (after === before) return before;
    this.#deps.state.jobs.save(after, before);
    this.#changes.changed(after.id, before);
    if (after.finished === before.finished) return after;
    this.#credentials.delete(after.id);
    this.#deps.onEnd?.(after);
    return this.#catalogued(after);
  }

  #inserted(job: ClusterJob): ClusterJob {
    this.#changes.changed(job.id, null);
    return this.#catalogued(job);
  }

  /** From now on `listener` is told of every change of a job, soon after it was stored. Returns how to end that. */
  onChange(listener: JobListener): () => void {
    return this.#changes.listen(listener);
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
    throw new OperatorError(
      'JOB_RUNNING',
      `Job ${id} is running: ${type}${backupName === null ? '' : ` ${backupName}`}. One job runs at a time`,
      {
        hint: 'Wait for its end, or abort it.',
        details: { job: id },
      },
    );
  }

  async #find(location: string, name: string, given: GivenCredentials | undefined): Promise<FoundBackup> {
    if (isSandboxLocation(location)) return { state: 'UNKNOWN', message: null };
    return this.#deps.findBackup(location, name, given);
  }

  /** What a backup lacks, as the job that made it says. */
  #missing(jobId: number | null): string | null {
    const job = jobId === null ? null : this.get(jobId);
    const errors = job ? jobErrors(job) : [];
    if (errors.length === 0) return null;
    return errors
      .map(({ executorId, keyspace, message }) => [executorId, keyspace, message].filter(Boolean).join(': '))
      .join('; ');
  }

  #catalogued(job: ClusterJob): ClusterJob {
    rememberJob(this.#deps.state.backups, job, this.#deps.cluster);
    return job;
  }
}
