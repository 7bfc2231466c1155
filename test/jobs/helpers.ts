import type { Limits } from '../../src/jobs/limits.ts';
import { advance, abort, stepsToKill } from '../../src/jobs/advance.ts';
import { launched, nextSteps, taskIdOf } from '../../src/jobs/next-steps.ts';
import { planBackup, planRestore } from '../../src/jobs/plan.ts';
import { isFinished } from '../../src/jobs/result.ts';
import { onProgress, onTaskStatus, type StepTaskState } from '../../src/jobs/step-updates.ts';
import type { ClusterJob, JobParameters, JobType, PhaseName, Step } from '../../src/model/cluster-job.ts';
import { executorIdOf, type ClusterNode, type NodeHealth } from '../../src/model/node.ts';
import {
  emptyReport,
  type CheckReport,
  type JobError,
  type KeyspaceReport,
  type ManifestReport,
  type StepReport,
} from '../../src/model/step.ts';

export const CLUSTER = 'test';
export const START = 1_700_000_000_000;

export const LIMITS: Limits = {
  nodeReadyMs: 60_000,
  silenceMs: 30_000,
  killMs: 10_000,
  retries: 3,
  backoffMs: 1_000,
  backoffMaxMs: 3_000,
  cleanupMs: 5_000,
};

export function id(number: number): string {
  return executorIdOf(CLUSTER, number);
}

/** A node that is up and NORMAL. */
export function node(number: number, change: Partial<ClusterNode> = {}): ClusterNode {
  return {
    number,
    executorId: id(number),
    seed: number === 0,
    targetRunState: 'RUN',
    agentId: `agent-${number}`,
    hostname: `host${number}`,
    ip: `127.0.0.${number + 1}`,
    ports: { storage: 7000, native: 9042, jmx: 7199, jolokia: 8778 },
    executorInfo: null,
    serverTaskId: `${id(number)}.server`,
    serverState: 'RUNNING',
    launches: 1,
    launchNotBefore: null,
    lastError: null,
    health: health(number),
    healthAt: START,
    bootstrapped: true,
    ...change,
  };
}

export function health(number: number, change: Partial<NodeHealth> = {}): NodeHealth {
  return {
    operationMode: 'NORMAL',
    hostId: `host-id-${number}`,
    version: '5.0.5',
    clusterName: CLUSTER,
    datacenter: 'dc1',
    rack: 'rack1',
    partitioner: 'Murmur3Partitioner',
    schemaVersion: 's1',
    tokens: [String(number * 100)],
    liveNodes: [],
    unreachableNodes: [],
    movingNodes: [],
    uptimeMillis: 1,
    nativeTransportRunning: true,
    ...change,
  };
}

export function nodes(count: number): ClusterNode[] {
  return Array.from({ length: count }, (_, number) => node(number));
}

export function down(number: number): ClusterNode {
  return node(number, { serverState: 'NONE', lastError: 'exit code 137' });
}

export const PARAMETERS: JobParameters = {
  keyspaces: null,
  tables: null,
  nodes: null,
  strategy: 'serial',
  concurrency: 1,
  snapshot: 'each',
};

export function planned(type: JobType, cluster: ClusterNode[], parameters: Partial<JobParameters> = {}): ClusterJob {
  const plan = type === 'BACKUP' ? planBackup : planRestore;
  const request = {
    uuid: 'job-uuid',
    backupName: 'b1',
    location: 'file:///backup',
    parameters: { ...PARAMETERS, ...parameters },
  };
  return { id: 7, ...plan(request, cluster, START) };
}

export function keyspace(change: Partial<KeyspaceReport> = {}): KeyspaceReport {
  return {
    status: 'SUCCESS',
    durationMillis: 5,
    bytes: 100,
    error: null,
    tables: { t1: { files: 1, bytes: 100, error: null, safetySnapshot: null } },
    ...change,
  };
}

export function failedKeyspace(error: string): KeyspaceReport {
  return keyspace({
    status: 'FAILURE',
    error,
    tables: { t1: { files: 0, bytes: 0, error, safetySnapshot: null } },
  });
}

export function report(change: Partial<StepReport> = {}): StepReport {
  return {
    ...emptyReport(),
    keyspaces: { ks1: keyspace() },
    bytesTotal: 100,
    bytesDone: 100,
    filesTotal: 1,
    filesDone: 1,
    ...change,
  };
}

export function manifest(executorId: string): ManifestReport {
  return {
    sha256: `sha-of-${executorId}`,
    hostId: `host-id-of-${executorId}`,
    tokens: ['0'],
    hostname: 'host',
    ip: '127.0.0.1',
    schemaVersion: 's1',
    files: 1,
    bytes: 100,
  };
}

export function check(executorId: string, all: string[], change: Partial<CheckReport> = {}): CheckReport {
  return {
    recordSha256: 'record',
    backupNodes: all,
    sourceExecutorId: executorId,
    tables: ['ks1.t1'],
    backupFinished: START - 1_000,
    schemaVersions: ['s1'],
    unreachableNodes: [],
    bytesNeeded: 100,
    bytesFree: 1_000,
    ...change,
  };
}

export function error(code: string, message: string, where: Partial<JobError> = {}): JobError {
  return { executorId: null, keyspace: null, table: null, ...where, code, message };
}

/** What an executor reports of a phase in which all went well. */
export function goodReport(job: ClusterJob, name: PhaseName, executorId: string): StepReport {
  const all = [...new Set(job.phases.flatMap(({ steps }) => steps.map((step) => step.executorId)))];
  if (name === 'backup') return report({ manifest: manifest(executorId) });
  if (name === 'check') return { ...emptyReport(), check: check(executorId, all) };
  if (name === 'commit' || name === 'cleanup') return emptyReport();
  return report();
}

/** What becomes of a step's task: a report is a good end, an error a failure; nothing: it goes on for ever. */
export type Outcome = StepReport | JobError | 'KILLED' | 'LOST' | 'HANG';

/** Decides what becomes of an attempt; undefined: all goes well. */
export type Script = (step: { phase: PhaseName; executorId: string; attempt: number }) => Outcome | undefined;

/** A scheduler in miniature: time, nodes and tasks are turned by hand, the rules are the real ones. */
export class Ticker {
  job: ClusterJob;
  nodes: ClusterNode[];
  now = START;
  /** Task ids in the order of their launch. */
  readonly launches: string[] = [];
  readonly kills = new Set<string>();

  constructor(job: ClusterJob, cluster: ClusterNode[]) {
    this.job = job;
    this.nodes = cluster;
  }

  /** Lets time pass and the rules decide, then launches what may be launched. */
  tick(ms = 0): this {
    this.now += ms;
    this.job = advance(this.job, this.nodes, this.now, LIMITS);
    for (const taskId of stepsToKill(this.job, this.now, LIMITS)) this.kills.add(taskId);
    for (const { phaseIndex, stepIndex } of nextSteps(this.job, this.nodes, this.now)) {
      const taskId = taskIdOf(this.job, phaseIndex, stepIndex);
      this.launches.push(taskId);
      this.job = launched(this.job, phaseIndex, stepIndex, taskId, this.now);
    }
    return this;
  }

  status(taskId: string, state: StepTaskState, stepReport: StepReport | null = null, message: string | null = null) {
    this.job = onTaskStatus(this.job, { taskId, state, message, report: stepReport }, this.now, LIMITS);
    return this;
  }

  progress(taskId: string, stepReport: StepReport): this {
    this.job = onProgress(this.job, taskId, stepReport, this.now);
    return this;
  }

  abort(now = false): this {
    this.job = abort(this.job, now);
    return this;
  }

  step(name: PhaseName, number: number): Step {
    const found = this.job.phases
      .find((phase) => phase.name === name)
      ?.steps.find((step) => step.executorId === id(number));
    if (!found) throw new Error(`no step of node ${number} in ${name}`);
    return found;
  }

  states(name: PhaseName): string[] {
    return this.job.phases.find((phase) => phase.name === name)?.steps.map(({ state }) => state) ?? [];
  }

  /** Active steps as `<phase> <node number>`. */
  active(): string[] {
    return this.tasks().map(({ phase, step }) => `${phase} ${/node\.(\d+)\./.exec(step.executorId)?.[1]}`);
  }

  tasks(): { phase: PhaseName; step: Step }[] {
    return this.job.phases.flatMap((phase) =>
      phase.steps
        .filter(({ state }) => state === 'LAUNCHING' || state === 'RUNNING')
        .map((step) => ({ phase: phase.name, step })),
    );
  }

  /** Ends every active step as the script says. */
  end(script: Script = () => undefined): this {
    for (const { phase, step } of this.tasks()) {
      const { executorId, attempt } = step;
      const taskId = step.taskId ?? '';
      const outcome = script({ phase, executorId, attempt }) ?? goodReport(this.job, phase, executorId);
      if (outcome === 'HANG') continue;
      if (outcome === 'KILLED' || outcome === 'LOST') this.status(taskId, outcome);
      else if ('code' in outcome) this.status(taskId, 'FAILED', report({ keyspaces: {}, errors: [outcome] }));
      else this.status(taskId, 'FINISHED', outcome);
    }
    return this;
  }

  /** Ticks until the job is finished. */
  run(script: Script = () => undefined, tickMs = 1_000): ClusterJob {
    for (let count = 0; count < 5_000 && !isFinished(this.job); count += 1) this.tick(tickMs).end(script);
    if (!isFinished(this.job)) throw new Error(`the job has not finished: ${JSON.stringify(this.job, null, 1)}`);
    return this.job;
  }

  /** Ticks until a step of the phase is active. */
  until(name: PhaseName, script: Script = () => undefined): this {
    for (let count = 0; count < 1_000; count += 1) {
      this.tick(1_000);
      if (this.tasks().some(({ phase }) => phase === name)) return this;
      this.end(script);
    }
    throw new Error(`phase ${name} was not reached`);
  }
}

export function ticker(type: JobType, count = 3, parameters: Partial<JobParameters> = {}): Ticker {
  const cluster = nodes(count);
  return new Ticker(planned(type, cluster, parameters), cluster);
}

/** `<phase> <node>` of each launch, for comparing order. */
export function launchOrder(turned: Ticker): string[] {
  return turned.launches.map((taskId) => {
    const match = /node\.(\d+)\.executor\.\w+\.\d+\.(\w+)\.(\d+)$/.exec(taskId);
    return `${match?.[2]} ${match?.[1]}${match?.[3] === '1' ? '' : ` try ${match?.[3]}`}`;
  });
}
