import { isStepActive, isStepFinal, type ClusterJob, type Step } from '../model/cluster-job.ts';
import type { PhaseName } from '../model/phase.ts';
import type { ClusterNode } from '../model/node.ts';
import type { KeyspaceReport } from '../model/step.ts';
import { lasting } from './json-text.ts';
import { MOVING, nodeProgress, type NodeProgress } from './progress.ts';
import type { Ring } from './readiness.ts';
import { endedKeyspaces, executorIdsOf, stepFinder } from './steps.ts';

/** Of a backup: what was not at the location yet. */
export interface Sent {
  filesSent: number;
  bytesSent: number;
}

/** One keyspace on one node, over all phases. */
export interface KeyspaceJson extends Partial<Sent> {
  status: 'SUCCESS' | 'FAILURE';
  durationMillis: number;
  tables: KeyspaceReport['tables'];
  bytes: number;
  error: string | null;
}

/** A node's part of a job: the forerunner's fields, then ours. `ip` and `hostname` are left out while unknown. */
export interface NodeJson extends Partial<Sent>, Partial<NodeProgress> {
  executorId: string;
  taskId: string;
  hostname?: string;
  ip?: string;
  failure?: { failed: true; message: string };
  startedTimestamp: number | null;
  finishedTimestamp: number | null;
  processedKeyspaces: Record<string, KeyspaceJson>;
  remainingKeyspaces: string[];
}

/**
 * What counts as a node's own work, in order. The rest is done for the whole cluster (check, truncate, the
 * record of `commit`), proves what was done (`confirm`) or is tidying, and shows in `phases` only. A `preflight` counts where it failed: then
 * it is all that the node has done.
 */
const NODE_PHASES: Record<ClusterJob['type'], PhaseName[]> = {
  BACKUP: ['snapshot', 'backup'],
  RESTORE: ['stage', 'load', 'verify'],
  CLEANUP: ['clean'],
  REPAIR: ['repair'],
  RESTART: ['restart'],
  REMOVE: ['decommission', 'removenode'],
  VERIFY: ['inspect'],
  DELETE: ['delete'],
  PRUNE: ['prune'],
  SWEEP: ['sweep'],
  RENAME: ['rename'],
  ADOPT: ['backup'],
};

/** The phase whose end makes a keyspace processed. */
const DECISIVE: Record<ClusterJob['type'], PhaseName> = {
  BACKUP: 'backup',
  RESTORE: 'load',
  CLEANUP: 'clean',
  REPAIR: 'repair',
  RESTART: 'restart',
  REMOVE: 'decommission',
  VERIFY: 'inspect',
  DELETE: 'delete',
  PRUNE: 'prune',
  SWEEP: 'sweep',
  RENAME: 'rename',
  ADOPT: 'backup',
};

interface NodeStep {
  phase: PhaseName;
  step: Step;
}

/** A node's steps of a job. */
export interface NodePart {
  executorId: string;
  /** Its own work. */
  steps: NodeStep[];
  check: Step | undefined;
  confirm: Step | undefined;
}

/** All nodes that take part, in order. */
export function nodeParts(job: ClusterJob): NodePart[] {
  const phases = NODE_PHASES[job.type].map((phase) => ({ phase, find: stepFinder(job, phase) }));
  const [check, confirm] = [stepFinder(job, 'check'), stepFinder(job, 'confirm')];
  const preflight = stepFinder(job, 'preflight');
  return executorIdsOf(job).map((executorId) => {
    const refused = preflight(executorId);
    const steps: NodeStep[] = refused?.state === 'FAILED' ? [{ phase: 'preflight', step: refused }] : [];
    for (const { phase, find } of phases) {
      const step = find(executorId);
      if (step) steps.push({ phase, step });
    }
    return { executorId, steps, check: check(executorId), confirm: confirm(executorId) };
  });
}

export type NodePlace = 'remaining' | 'current' | 'completed';

/** Completed: its last step has ended, or it failed and nothing of it is to come. Not: what an abort left undone. */
export function placeOf({ steps }: NodePart): NodePlace {
  if (steps.some(({ step }) => isStepActive(step))) return 'current';
  const failed = steps.some(({ step }) => step.state === 'FAILED') && steps.every(({ step }) => isStepFinal(step));
  return steps.at(-1)?.step.state === 'SUCCESS' || failed ? 'completed' : 'remaining';
}

/** By a node's first step: what it follows from, and what was made of it. Most nodes of a job stay as they are for long. */
const known = new WeakMap<Step, { from: unknown[]; json: NodeJson }>();

export function nodeJson(job: ClusterJob, part: NodePart, ring: Ring): NodeJson {
  const { hostname = null, ip = null } = ring.get(part.executorId) ?? {};
  const from = [hostname, ip, part.confirm, part.check, ...part.steps.map(({ step }) => step)];
  const first = part.steps[0]?.step;
  const before = first && known.get(first);
  if (before?.from.every((each, index) => each === from[index])) return before.json;
  const json = lasting(newNodeJson(job, part, { hostname, ip }));
  if (first) known.set(first, { from, json });
  return json;
}

function newNodeJson(
  job: ClusterJob,
  part: NodePart,
  { hostname, ip }: Pick<ClusterNode, 'hostname' | 'ip'>,
): NodeJson {
  const { executorId, steps } = part;
  const failed = telling(job, steps).find(({ step }) => step.state === 'FAILED')?.step ?? unconfirmed(part);
  const done = processed(job, part);
  return {
    executorId,
    taskId: `${executorId}.${job.type}`,
    ...(hostname === null ? {} : { hostname }),
    ...(ip === null ? {} : { ip }),
    ...(failed ? { failure: { failed: true, message: failed.error?.message ?? 'It failed without a reason' } } : {}),
    startedTimestamp: extreme(Math.min, steps, 'started'),
    finishedTimestamp: placeOf(part) === 'completed' ? extreme(Math.max, steps, 'finished') : null,
    processedKeyspaces: Object.fromEntries(done),
    remainingKeyspaces: knownKeyspaces(part).filter((name) => !done.has(name)),
    ...sentOf(steps.map(({ step }) => step.report)),
    ...movedOf(job, steps),
  };
}

/** Of jobs that move bytes, once it is the node's turn. */
function movedOf(job: ClusterJob, steps: NodeStep[]): Partial<NodeProgress> {
  const moving = steps.find(({ phase }) => phase === MOVING[job.type]);
  return moving === undefined ? {} : nodeProgress(moving.step);
}

/** How much of a backup was not at the location yet; nothing where no report says it (other jobs, early versions). */
export function sentOf(reports: (Partial<Sent> | null)[]): Partial<Sent> {
  const said = reports.flatMap((report) => (report?.bytesSent === undefined ? [] : report));
  if (said.length === 0) return {};
  return {
    filesSent: said.reduce((sum, { filesSent = 0 }) => sum + filesSent, 0),
    bytesSent: said.reduce((sum, { bytesSent = 0 }) => sum + bytesSent, 0),
  };
}

/** The steps that say how it went: what failed before a decisive step that succeeded was made good by it. */
function telling(job: ClusterJob, steps: NodeStep[]): NodeStep[] {
  const decisive = steps.findIndex(({ phase }) => phase === DECISIVE[job.type]);
  return steps[decisive]?.step.state === 'SUCCESS' ? steps.slice(decisive) : steps;
}

function extreme(pick: (...values: number[]) => number, steps: NodeStep[], field: 'started' | 'finished') {
  const times = steps.flatMap(({ step }) => step[field] ?? []);
  return times.length === 0 ? null : pick(...times);
}

/** The step that could not find again what the node had stored: none of it counts as done. */
function unconfirmed({ confirm }: NodePart): Step | undefined {
  return confirm?.state === 'FAILED' ? confirm : undefined;
}

/** What the node is through with: the decisive phase has ended for it, or an earlier one failed. */
function processed(job: ClusterJob, part: NodePart): Map<string, KeyspaceJson> {
  const lost = unconfirmed(part);
  const reports = part.steps.map(({ phase, step }) => ({ phase, ended: endedKeyspaces(step.report) }));
  const decisive = reports.find(({ phase }) => phase === DECISIVE[job.type])?.ended;
  const later = telling(job, part.steps).map(({ step }) => endedKeyspaces(step.report));
  const keyspaces = new Map<string, KeyspaceJson>();
  for (const name of reportedKeyspaces(part)) {
    const failure = later.map((ended) => ended.get(name)).find((report) => report?.status === 'FAILURE');
    const last = decisive?.get(name) ?? failure;
    if (!last) continue;
    keyspaces.set(name, {
      status: failure || lost ? 'FAILURE' : 'SUCCESS',
      durationMillis: reports.reduce((sum, { ended }) => sum + (ended.get(name)?.durationMillis ?? 0), 0),
      tables: last.tables,
      bytes: last.bytes,
      ...sentOf([last]),
      error: failure?.error ?? lost?.error?.message ?? null,
    });
  }
  return keyspaces;
}

function reportedKeyspaces({ steps }: NodePart): string[] {
  return [...new Set(steps.flatMap(({ step }) => Object.keys(step.report?.keyspaces ?? {})))];
}

function knownKeyspaces(part: NodePart): string[] {
  const checked = part.check?.report?.check?.tables ?? [];
  return [
    ...new Set([
      ...reportedKeyspaces(part),
      ...part.steps.flatMap(({ step }) => step.report?.remainingKeyspaces ?? []),
      ...checked.map((name) => name.slice(0, name.indexOf('.'))),
    ]),
  ];
}
