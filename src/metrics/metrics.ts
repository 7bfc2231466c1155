import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ClusterJobs } from '../jobs/cluster-jobs.ts';
import { progressOf } from '../jobs/progress.ts';
import { nextRun } from '../jobs/schedules.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import { isMember, isNodeReady, type ServerState } from '../model/node.ts';
import type { WaitingNeed } from '../model/offer-report.ts';
import type { JobType } from '../model/phase.ts';
import type { Schedule } from '../model/schedule.ts';
import type { State } from '../state/database.ts';
import type { MesosCounters } from './counted-client.ts';
import { KeyspaceMetrics } from './keyspace-metrics.ts';

const PREFIX = 'cassandra_mesos_';
const JOB_TYPES = Object.keys({
  BACKUP: 0,
  RESTORE: 0,
  CLEANUP: 0,
  REPAIR: 0,
  RESTART: 0,
  REMOVE: 0,
  VERIFY: 0,
  DELETE: 0,
  PRUNE: 0,
  SWEEP: 0,
  RENAME: 0,
  ADOPT: 0,
} satisfies Record<JobType, 0>);
const RESULTS = ['SUCCESS', 'PARTIAL', 'FAILURE', 'ABORTED'];
const SERVER_STATES: ServerState[] = ['NONE', 'LAUNCHING', 'STARTING', 'RUNNING', 'KILLING', 'UNREACHABLE'];
const BACKUP_STATES = ['RUNNING', 'COMPLETE', 'PARTIAL', 'INCOMPLETE', 'DAMAGED', 'DELETING'];
const NEEDS: WaitingNeed['kind'][] = ['server', 'step', 'release'];

export interface MetricsSources {
  state: State;
  jobs: ClusterJobs;
  waiting: () => WaitingNeed[];
}

const seconds = (ms: number | null): number | null => ms && ms / 1000;

/** What `/metrics` shows, in Prometheus' text format. */
export class Metrics {
  /** To be counted by `countedClient`. */
  readonly mesos: MesosCounters;
  readonly #registry = new Registry();
  #keyspaces: KeyspaceMetrics[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    this.mesos = {
      offersReceived: this.#counter('offers_received_total', 'Offers that the master has sent.'),
      offersUsed: this.#counter('offers_used_total', 'Offers of which something was used.'),
      offersDeclined: this.#counter('offers_declined_total', 'Offers given back.'),
      calls: this.#counter('master_calls_total', 'Calls to the master, by what became of them.', ['type', 'result']),
    };
  }

  /** From now on shows what these say; before, only what is counted and the process itself. */
  observe(sources: MetricsSources): void {
    this.#observeJobs(sources);
    this.#observeCluster(sources);
    this.#observeSchedules(sources);
    const { state, jobs } = sources;
    const members = () =>
      state.nodes
        .all()
        .filter(isMember)
        .map(({ executorId }) => executorId);
    const kinds = (['BACKUP', 'RESTORE'] as const).map((type) => {
      const history = (limit: number) => state.jobs.finished(type, limit);
      const kind = type === 'BACKUP' ? 'backup' : 'restore';
      return { type, metrics: new KeyspaceMetrics({ kind, history, job: (id) => state.jobs.get(id), members }) };
    });
    this.#keyspaces = kinds.map(({ metrics }) => metrics);
    jobs.onChange((job) => {
      if (job.finished !== null) kinds.find(({ type }) => type === job.type)?.metrics.ended(job);
    });
  }

  async render(): Promise<string> {
    const texts = [await this.#registry.metrics()];
    for (const keyspaces of this.#keyspaces) texts.push(await keyspaces.text());
    return texts.join('');
  }

  #observeJobs({ jobs }: MetricsSources): void {
    const ended = this.#counter('jobs_total', 'Cluster jobs that have ended since the scheduler started.', [
      'type',
      'result',
    ]);
    for (const type of JOB_TYPES) for (const result of RESULTS) ended.inc({ type, result }, 0);
    jobs.onChange(({ type, result, finished }, before) => {
      if (finished !== null && (before?.finished ?? null) === null) ended.inc({ type, result: result ?? '' });
    });
    const ofRunning = (name: string, help: string, valueOf: (job: ClusterJob) => number | null) =>
      this.#gauge(`job_${name}`, help, ['type'], (gauge) => {
        const job = jobs.running();
        const value = job && valueOf(job);
        if (job && value !== null) gauge.set({ type: job.type }, value);
      });
    ofRunning('running', '1 for the type of the job that runs.', () => 1);
    ofRunning('start_timestamp_seconds', 'When the job that runs began.', ({ started }) => started / 1000);
    ofRunning('progress_ratio', 'How far the job that runs is, 0 to 1.', (job) => progressOf(job).progress);
    ofRunning('processed_bytes', 'Bytes that the job that runs is through with.', (job) => progressOf(job).bytesDone);
    ofRunning('size_bytes', 'Bytes of the job that runs in all, once known.', (job) => progressOf(job).bytesTotal);
  }

  #observeCluster({ state, waiting }: MetricsSources): void {
    const members = () => state.nodes.all().filter(isMember);
    this.#gauge('nodes', "Nodes of the ring, by the state of Cassandra's task.", ['state'], (gauge) => {
      for (const name of SERVER_STATES) gauge.set({ state: name }, 0);
      for (const { serverState } of members()) gauge.inc({ state: serverState });
    });
    this.#gauge('nodes_ready', 'Nodes of the ring whose Cassandra runs and is NORMAL.', [], (gauge) => {
      gauge.set({}, members().filter(isNodeReady).length);
    });
    this.#gauge('needs_waiting', 'What is to be launched or given back, and is not yet.', ['kind'], (gauge) => {
      for (const kind of NEEDS) gauge.set({ kind }, 0);
      for (const { kind } of waiting()) gauge.inc({ kind });
    });
    this.#gauge('backups', 'Backups in the catalogue, by state.', ['state'], (gauge) => {
      for (const name of BACKUP_STATES) gauge.set({ state: name }, 0);
      for (const { state: name, count } of state.backups.counts()) gauge.set({ state: name }, count);
    });
    this.#gauge('webhook_pending', 'Ends of jobs that the webhook is still to be told of.', [], (gauge) => {
      gauge.set({}, state.deliveries.count());
    });
  }

  #observeSchedules({ state }: MetricsSources): void {
    const perSchedule = (name: string, help: string, valueOf: (schedule: Schedule) => number | null) =>
      this.#gauge(`schedule_${name}`, help, ['schedule'], (gauge) => {
        for (const schedule of state.schedules.all()) {
          const value = valueOf(schedule);
          if (value !== null) gauge.set({ schedule: schedule.name }, value);
        }
      });
    perSchedule('last_success_timestamp_seconds', 'When its last run that went well ended.', ({ lastSuccess }) =>
      seconds(lastSuccess),
    );
    perSchedule('consecutive_failures', 'Runs that failed since one went well.', ({ failures }) => failures);
    perSchedule('next_run_timestamp_seconds', 'When it runs next.', (schedule) => seconds(nextRun(schedule)));
    perSchedule('paused', '1 while it is paused.', ({ paused }) => Number(paused));
  }

  #counter<T extends string>(name: string, help: string, labelNames: T[] = []): Counter<T> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }

  /** `collect` sets all values anew with each scrape. */
  #gauge<T extends string>(name: string, help: string, labelNames: T[], collect: (gauge: Gauge<T>) => void): Gauge<T> {
    const gauge: Gauge<T> = new Gauge({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        collect(gauge);
      },
    });
    return gauge;
  }
}
