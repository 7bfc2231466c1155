import { setImmediate } from 'node:timers/promises';
import { Counter, Gauge, Registry } from 'prom-client';
import type { ClusterJob } from '../model/cluster-job.ts';
import {
  addOutcome,
  completedParts,
  outcomeOf,
  type JobOutcome,
  type KeyspaceRun,
  type KeyspaceRuns,
} from './keyspace-runs.ts';

/** So many series are made in one go; then others have their turn. */
const AT_ONCE = 500;
const NODES_AT_ONCE = 25;
/** How far back the last success of a node is looked for. */
const MOST_JOBS = 100;

const LABELS = ['node', 'keyspace'] as const;
type Metric = Gauge<(typeof LABELS)[number]> | Counter<(typeof LABELS)[number]>;

export interface KeyspaceMetricsDeps {
  kind: 'backup' | 'restore';
  /** Finished jobs of that kind, newest first. */
  history: (limit: number) => number[];
  job: (id: number) => ClusterJob | null;
  /** Executor ids of the ring's nodes. */
  members: () => string[];
}

/**
 * Per node and keyspace when it was last backed up (or restored), and how that went. A thousand nodes have ten thousands of
 * series, which change with each job's end only: so their text is kept, and made anew in slices.
 */
export class KeyspaceMetrics {
  readonly #deps: KeyspaceMetricsDeps;
  readonly #runs: KeyspaceRuns = new Map();
  /** Jobs are taken in one after the other, after what is stored of earlier ones. */
  #taking: Promise<void>;
  #version = 0;
  #made: { key: string; text: Promise<string> } | null = null;

  constructor(deps: KeyspaceMetricsDeps) {
    this.#deps = deps;
    this.#taking = this.#recall();
    // `text` throws it; until somebody asks for that, nobody misses anything.
    this.#taking.catch(() => undefined);
  }

  /** Takes in a job of this kind that has ended. */
  ended(job: ClusterJob): void {
    this.#taking = this.#taking.then(async () => this.#add(await outcomesOf(job), true));
    this.#taking.catch(() => undefined);
  }

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    await this.#taking;
    const members = this.#deps.members();
    const key = [this.#version, ...members].join(' ');
    if (this.#made?.key !== key) this.#made = { key, text: this.#make(members) };
    return this.#made.text;
  }

  /** Counters begin anew with each start, the last success does not. */
  async #recall(): Promise<void> {
    const { history, job: find, members } = this.#deps;
    const missing = new Set(members());
    const outcomes: JobOutcome[] = [];
    for (const id of history(MOST_JOBS)) {
      if (missing.size === 0) break;
      const job = find(id);
      if (job === null) continue;
      const outcome = await outcomesOf(job);
      outcomes.unshift(outcome);
      for (const [executorId, { whole }] of outcome.nodes) if (whole) missing.delete(executorId);
    }
    for (const outcome of outcomes) this.#add(outcome, false);
  }

  #add(outcome: JobOutcome, count: boolean): void {
    addOutcome(this.#runs, outcome, count);
    this.#version += 1;
  }

  async #make(members: string[]): Promise<string> {
    const rows = members.flatMap((node) =>
      [...(this.#runs.get(node) ?? [])].map(([keyspace, run]) => ({ labels: { node, keyspace }, run })),
    );
    const texts: string[] = [];
    for (const { make, valueOf } of metricsOf(this.#deps.kind)) {
      for (let from = 0; from < rows.length || from === 0; from += AT_ONCE) {
        const registry = new Registry();
        const metric = make(registry);
        for (const { labels, run } of rows.slice(from, from + AT_ONCE)) {
          const value = valueOf(run);
          if (value !== null) metric.inc(labels, value);
        }
        const text = await registry.metrics();
        texts.push(from === 0 ? text.trimEnd() : withoutHead(text));
        await setImmediate();
      }
    }
    return `${texts.filter(Boolean).join('\n')}\n`;
  }
}

async function outcomesOf(job: ClusterJob): Promise<JobOutcome> {
  const nodes: JobOutcome['nodes'] = new Map();
  for (const [index, part] of completedParts(job).entries()) {
    if (index % NODES_AT_ONCE === 0) await setImmediate();
    nodes.set(part.executorId, outcomeOf(job, part));
  }
  return { keyspaces: job.parameters.keyspaces, nodes };
}

/** HELP and TYPE are said once of a metric. */
function withoutHead(text: string): string {
  return text.replaceAll(/^#.*\n/gm, '').trimEnd();
}

interface KeyspaceMetric {
  make: (registry: Registry) => Metric;
  /** Null: no sample. */
  valueOf: (run: KeyspaceRun) => number | null;
}

function metricsOf(kind: 'backup' | 'restore'): KeyspaceMetric[] {
  const gauge = (name: string, help: string, valueOf: (last: NonNullable<KeyspaceRun['last']>) => number) => ({
    make: (registry: Registry) =>
      new Gauge({ name: `cassandra_mesos_${kind}_last_${name}`, help, labelNames: LABELS, registers: [registry] }),
    valueOf: ({ last }: KeyspaceRun) => last && valueOf(last),
  });
  const what = `Of the last ${kind} of the keyspace on the node that went well:`;
  return [
    gauge('success_timestamp_seconds', `${what} when its job ended.`, ({ at }) => at / 1000),
    gauge('bytes', `${what} bytes of its SSTables.`, ({ bytes }) => bytes),
    gauge('duration_seconds', `${what} how long the keyspace took.`, ({ durationMillis }) => durationMillis / 1000),
    {
      make: (registry) =>
        new Counter({
          name: `cassandra_mesos_${kind}_failures_total`,
          help: `Runs of ${kind} in which the keyspace on the node failed, since the scheduler started.`,
          labelNames: LABELS,
          registers: [registry],
        }),
      valueOf: ({ failures }) => failures,
    },
  ];
}
