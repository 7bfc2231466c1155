import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadavg } from 'node:os';
import type { JobJson } from '../src/jobs/job-json.ts';
import { rounded, type Figures, type Result, type Row } from './results.ts';
import { secondsOf } from './ring.ts';
import { SchedulerProcess } from './scale/scheduler-process.ts';
import { SimulatedMesos } from './scale/simulated-mesos.ts';
import { pollStatus } from './scale/status-poll.ts';

/** Steps that the scheduler is let launch before it is killed. */
const INTERRUPTED_AFTER = 50;
const ADDED = 'added per step (ms)';
const CPU = 'CPU per step (ms)';
const P50 = 'status p50 (ms)';
const P99 = 'status p99 (ms)';

export interface ScaleOptions {
  nodes: number;
  /** How long a simulated step works, in ms. */
  stepMs: number;
  /** Of the parallel backup. */
  concurrency: number;
  healthSeconds: number;
  directory: string;
  port: number;
  execArgv: string[];
}

/** What a ring of many nodes costs its scheduler: the real one, on the real wire, with simulated agents and executors. */
export async function measureScale(options: ScaleOptions): Promise<Result> {
  const { nodes, stepMs, concurrency, healthSeconds, port, execArgv } = options;
  const directory = await mkdtemp(join(options.directory, 'cassandra-mesos-scale-'));
  const mesos = new SimulatedMesos(nodes, { stepMs, healthMs: healthSeconds * 1000 });
  const scheduler = new SchedulerProcess({ ...options, directory, master: await mesos.start() });
  try {
    const rows = [await start(scheduler, mesos, nodes)];
    rows.push(...(await backup(scheduler, { name: 'serial', nodes, stepMs, concurrency: 1, port })));
    rows.push(...(await backup(scheduler, { name: 'parallel', nodes, stepMs, concurrency, port })));
    const nextStep = await restart(scheduler, mesos, execArgv.length === 0 ? 'SIGKILL' : 'SIGTERM');
    const summary = { ...summaryOf(rows), 'restart to next step (s)': rounded(nextStep) };
    const title =
      'What many nodes cost their scheduler; aims: 10 ms a step, status p99 50 ms, restart to next step 3 s';
    return { name: `scale-${nodes}`, title, settings: { nodes, stepMs, concurrency, healthSeconds }, rows, summary };
  } finally {
    await scheduler.stop('SIGTERM');
    await mesos.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Each node bootstraps when all before it are NORMAL, which a simulated one is at once. */
async function start(scheduler: SchedulerProcess, mesos: SimulatedMesos, nodes: number): Promise<Row> {
  const begin = performance.now();
  scheduler.start();
  const normal = new Promise<void>((resolve) => {
    mesos.on('normal', (count) => {
      if (count >= nodes) resolve();
    });
  });
  await Promise.race([normal, scheduler.ended()]);
  const seconds = (performance.now() - begin) / 1000;
  return row(scheduler, 'start', {
    seconds,
    cpuSeconds: scheduler.cpuSeconds,
    added: (seconds * 1000) / nodes,
    steps: nodes,
    latencies: [],
  });
}

interface Backup {
  name: string;
  nodes: number;
  stepMs: number;
  concurrency: number;
  /** Of the scheduler's REST. */
  port: number;
}

/** The whole job, and each of its phases. */
async function backup(scheduler: SchedulerProcess, { name, nodes, stepMs, concurrency, port }: Backup): Promise<Row[]> {
  const before = scheduler.cpuSeconds;
  const strategy = concurrency === 1 ? 'strategy=serial' : `strategy=parallel&concurrency=${concurrency}`;
  await scheduler.post(`/cluster/backup/start?name=${name}&${strategy}`);
  const latencies = await pollStatus(port);
  const cpuSeconds = scheduler.cpuSeconds - before;
  const { backup: job } = (await scheduler.get('/cluster/backup/last')) as { backup: JobJson };
  if (job.result !== 'SUCCESS') {
    throw new Error(`backup ${name} ended ${job.result}: ${JSON.stringify(job.errors.slice(0, 5))}`);
  }
  const phases = job.phases.map((phase) => {
    const seconds = secondsOf(job, phase.name);
    const simulated = stepMs * Math.ceil(nodes / phase.concurrency);
    return {
      stage: `${name}: ${phase.name}`,
      'wall (s)': rounded(seconds),
      [ADDED]: rounded((seconds * 1000 - simulated) / phase.steps.length),
    };
  });
  const seconds = (Number(job.finished) - job.started) / 1000;
  const added = phases.reduce((sum, phase) => sum + phase[ADDED], 0) / phases.length;
  const steps = job.phases.reduce((sum, phase) => sum + phase.steps.length, 0);
  return [row(scheduler, name, { seconds, cpuSeconds, added, steps, latencies }), ...phases];
}

/**
 * Seconds from the death of a scheduler in the middle of a backup until its successor launches a step. (A profile is
 * only written by one that ends in order.)
 */
async function restart(
  scheduler: SchedulerProcess,
  mesos: SimulatedMesos,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<number> {
  await scheduler.post('/cluster/backup/start?name=interrupted');
  for (let count = 0; count < INTERRUPTED_AFTER; count += 1) await once(mesos, 'step');
  await scheduler.stop(signal);
  const next = once(mesos, 'step');
  const begin = performance.now();
  scheduler.start();
  await Promise.race([next, scheduler.ended()]);
  return (performance.now() - begin) / 1000;
}

interface Stage {
  seconds: number;
  cpuSeconds: number;
  added: number;
  steps: number;
  latencies: number[];
}

function row(scheduler: SchedulerProcess, stage: string, of: Stage): Row {
  const { seconds, cpuSeconds, added, steps, latencies } = of;
  console.log(`${stage}: ${seconds.toFixed(1)} s`);
  return {
    stage,
    'wall (s)': rounded(seconds),
    [ADDED]: rounded(added),
    'scheduler CPU (s)': rounded(cpuSeconds),
    // Unlike all times, this hardly depends on what else the machine does.
    [CPU]: rounded((cpuSeconds * 1000) / steps),
    'load average': rounded(loadavg()[0] ?? Number.NaN, 1),
    'RSS (MiB)': rounded(scheduler.rssMib, 1),
    ...(latencies.length === 0
      ? {}
      : {
          [P50]: rounded(percentile(latencies, 0.5), 1),
          [P99]: rounded(percentile(latencies, 0.99), 1),
          polls: latencies.length,
        }),
  };
}

function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function summaryOf(rows: Row[]): Figures {
  const figures = rows.flatMap(({ stage, ...row }) =>
    [ADDED, CPU, P99, 'RSS (MiB)']
      .filter((column) => column in row)
      .map((column) => [`${stage}: ${column}`, Number(row[column])] as const),
  );
  return Object.fromEntries(figures);
}
