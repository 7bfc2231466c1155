import { abort, advance, stepsToKill } from '../../src/jobs/advance.ts';
import { launched, nextSteps, taskIdOf } from '../../src/jobs/next-steps.ts';
import { giveOrders } from '../../src/jobs/node-orders.ts';
import { isFinished } from '../../src/jobs/result.ts';
import { onProgress, onTaskStatus, type StepTaskState } from '../../src/jobs/step-updates.ts';
import type { ClusterJob, JobParameters, Step } from '../../src/model/cluster-job.ts';
import type { JobType, PhaseName } from '../../src/model/phase.ts';
import type { ClusterNode } from '../../src/model/node.ts';
import type { JobError, StepReport } from '../../src/model/step.ts';
import { goodReport, id, LIMITS, nodes, planned, plannedWhole, report, START } from './helpers.ts';

/** What becomes of a step's task: a report is a good end, an error a failure; nothing: it goes on for ever. */
export type Outcome = StepReport | JobError | 'KILLED' | 'LOST' | 'HANG';

/** Decides what becomes of an attempt; undefined: all goes well. */
export type Script = (step: { phase: PhaseName; executorId: string; attempt: number }) => Outcome | undefined;

/** A scheduler in miniature: time, nodes and tasks are turned by hand, the rules are the real ones. */
export class Ticker {
  job: ClusterJob;
  nodes: ClusterNode[];
  now = START;
  /** False: no agent offers room, so nothing is launched. */
  offers = true;
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
    const { job, changed } = giveOrders(this.job, this.nodes, this.now, LIMITS);
    for (const node of changed) this.change(node);
    this.job = advance(job, this.nodes, this.now, LIMITS);
    for (const taskId of stepsToKill(this.job, this.now, LIMITS)) this.kills.add(taskId);
    if (!this.offers) return this;
    for (const { phaseIndex, stepIndex } of nextSteps(this.job, this.nodes, this.now)) {
      const taskId = taskIdOf(this.job, phaseIndex, stepIndex);
      this.launches.push(taskId);
      this.job = launched(this.job, phaseIndex, stepIndex, taskId, this.now);
    }
    return this;
  }

  /** Puts a node in the place of the one that had its number. */
  change(node: ClusterNode): this {
    this.nodes = this.nodes.map((each) => (each.number === node.number ? node : each));
    return this;
  }

  node(number: number): ClusterNode {
    const found = this.nodes.find((each) => each.number === number);
    if (!found) throw new Error(`no node ${number}`);
    return found;
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

/** The same with the preflight that a backup begins with. */
export function wholeTicker(type: JobType, count = 3, parameters: Partial<JobParameters> = {}): Ticker {
  const cluster = nodes(count);
  return new Ticker(plannedWhole(type, cluster, parameters), cluster);
}

/** `<phase> <node>` of each launch, for comparing order. */
export function launchOrder(turned: Ticker): string[] {
  return turned.launches.map((taskId) => {
    const match = /node\.(\d+)\.executor\.\w+\.\d+\.(\w+)\.(\d+)$/.exec(taskId);
    return `${match?.[2]} ${match?.[1]}${match?.[3] === '1' ? '' : ` try ${match?.[3]}`}`;
  });
}
