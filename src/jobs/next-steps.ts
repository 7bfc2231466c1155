import { isStepActive, type ClusterJob, type Phase } from '../model/cluster-job.ts';
import type { PhaseName } from '../model/phase.ts';
import type { ClusterNode } from '../model/node.ts';
import type { StepRequest } from '../model/step.ts';
import { recordText } from './backup-record.ts';
import { atOnce, isToWrite } from './commit.ts';
import { bandwidthOf } from './pace.ts';
import { isPreflightDue } from './preflight.ts';
import { isReadyFor, othersNeeded, ringOf, type Ring } from './readiness.ts';
import { recordToReplace } from './resume.ts';
import { stepAt, stepOf, stepsOf, withStep, type StepRef } from './steps.ts';
import { findingText } from './verification.ts';

export interface NextStep extends StepRef {
  executorId: string;
}

/**
 * The steps that may be launched as tasks now: their phase's turn, their own turn, their node ready, no back-off left.
 * Restarts are no tasks: see node-orders.ts.
 */
export function nextSteps(job: ClusterJob, nodes: ClusterNode[], now: number): NextStep[] {
  const phaseIndex = currentPhase(job);
  const phase = job.phases[phaseIndex];
  if (!phase || phase.name === 'restart' || job.finished !== null) return [];
  if (job.aborted && phase.name !== 'cleanup') return [];
  return turns(job, phase, ringOf(nodes), now).launchable.map((stepIndex) => {
    const { executorId } = stepAt(job, { phaseIndex, stepIndex });
    return { phaseIndex, stepIndex, executorId };
  });
}

/** Index of the phase at work: the first whose end was not decided on. -1 when there is none left. */
export function currentPhase(job: ClusterJob): number {
  return job.phases.findIndex(({ finished }) => finished === null);
}

/**
 * Whose turn it is in a phase. A step whose node is not ready waits without holding the others up; a step that
 * could be launched and is not yet (no offer from its agent) keeps its place.
 */
export function turns(
  job: ClusterJob,
  phase: Phase,
  ring: Ring,
  now: number,
): { launchable: number[]; waiting: number[] } {
  const launchable: number[] = [];
  const waiting: number[] = [];
  let free = atOnce(job, phase) - phase.steps.filter(isStepActive).length;
  if (free <= 0) return { launchable, waiting };
  const othersReady = othersNeeded(job, phase, ring).every((id) => isReadyFor(phase, ring.get(id)));
  for (const [index, step] of phase.steps.entries()) {
    if (free <= 0) break;
    if (step.state !== 'PENDING' || (step.notBefore !== null && step.notBefore > now)) continue;
    if (!othersReady || !isReadyFor(phase, ring.get(step.executorId))) {
      waiting.push(index);
      continue;
    }
    launchable.push(index);
    free -= 1;
  }
  return { launchable, waiting };
}

/** `<executorId>.<BACKUP|RESTORE|…>.<jobId>.<phase>.<attempt>`: no two attempts share one. */
export function taskIdOf(job: ClusterJob, phaseIndex: number, stepIndex: number): string {
  const { executorId, attempt } = stepAt(job, { phaseIndex, stepIndex });
  return `${executorId}.${job.type}.${job.id}.${job.phases[phaseIndex]?.name}.${attempt}`;
}

/** To be stored before the task is launched: from then on its updates are the step's. */
export function launched(
  job: ClusterJob,
  phaseIndex: number,
  stepIndex: number,
  taskId: string,
  now: number,
): ClusterJob {
  const step = stepAt(job, { phaseIndex, stepIndex });
  if (step.state !== 'PENDING') return job;
  const change = { taskId, started: step.started ?? now, lastSeen: now, notBefore: null, waitingSince: null };
  return withStep(job, { phaseIndex, stepIndex }, { ...change, state: 'LAUNCHING' });
}

/** What the step's executor is told. */
export function stepRequest(job: ClusterJob, phaseIndex: number, stepIndex: number, cluster: string): StepRequest {
  const { executorId, attempt } = stepAt(job, { phaseIndex, stepIndex });
  const name = job.phases[phaseIndex]?.name ?? 'cleanup';
  return {
    jobId: job.id,
    jobUuid: job.uuid,
    type: job.type,
    phase: name,
    attempt,
    cluster,
    executorId,
    backupName: job.backupName ?? '',
    location: job.location ?? '',
    keyspaces: job.parameters.keyspaces,
    tables: job.parameters.tables,
    sourceExecutorId: stepOf(job, 'check', executorId)?.report?.check?.sourceExecutorId ?? null,
    snapshotTaken: name === 'backup' && job.parameters.snapshot === 'together',
    manifestSha256: manifestSha256(job, name, executorId),
    ...recordFor(job, { phaseIndex, stepIndex }, cluster),
    truncateTables: name === 'truncate' ? tablesToRestore(job) : null,
    removeStaging: name === 'cleanup' && job.type === 'RESTORE',
    removeHostId: job.parameters.removeHostId ?? null,
    mode: job.parameters.mode ?? 'incremental',
    rehash: job.parameters.rehash ?? false,
    ...(name === 'inspect' ? inspectionOf(job) : {}),
    ...(isPreflightDue(job, name, executorId) ? { preflightDue: true } : {}),
    ...(name === 'delete' ? { force: job.parameters.force ?? false } : {}),
    ...parametersFor(job, bandwidthOf(job, { phaseIndex, stepIndex })),
  };
}

function parametersFor({ parameters }: ClusterJob, rate: number | null): Partial<StepRequest> {
  const { resume, resumes, names, dryRun, graceMs, from, to, adoptFrom, nodeMap } = parameters;
  const bandwidth = rate ?? undefined;
  const given = {
    resume,
    resumes,
    bandwidth,
    names,
    dryRun,
    graceMs,
    renameFrom: from,
    renameTo: to,
    adoptFrom,
    nodeMap,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** By what a node knows its own part of the backup again. */
function manifestSha256(job: ClusterJob, phase: PhaseName, executorId: string): string | null {
  if (phase !== 'confirm' && phase !== 'commit') return null;
  return stepOf(job, 'backup', executorId)?.report?.manifest?.sha256 ?? null;
}

function recordFor(job: ClusterJob, { phaseIndex, stepIndex }: StepRef, cluster: string) {
  const phase = job.phases[phaseIndex];
  if (phase?.name !== 'commit') return { record: null, recordSha256: null };
  const { text, sha256 } = job.type === 'VERIFY' ? findingText(job, cluster) : recordText(job, cluster);
  const replaces = job.parameters.resume ? recordToReplace(job) : undefined;
  const record = isToWrite(job, phase, stepAt(job, { phaseIndex, stepIndex })) ? text : null;
  return { record, recordSha256: sha256, ...(replaces === undefined ? {} : { replaces }) };
}

function inspectionOf({ parameters }: ClusterJob) {
  return { deep: parameters.deep ?? false, inspectors: parameters.inspectors ?? [] };
}

/** `keyspace.table` of everything that the checks found, once each. */
function tablesToRestore(job: ClusterJob): string[] {
  const tables = stepsOf(job, 'check').flatMap(({ report }) => report?.check?.tables ?? []);
  return [...new Set(tables)].toSorted();
}
