import type { ClusterJob, Phase } from '../model/cluster-job.ts';
import type { ClusterNode } from '../model/node.ts';
import type { JobError } from '../model/step.ts';
import { absentTables } from './adopted-tables.ts';
import { deletionErrors, pruningErrors } from './deletion.ts';
import { mayRestoreBegin, membersChanged } from './may-restore-begin.ts';
import { afterPreflight } from './preflight.ts';
import { resumeErrors } from './resume.ts';
import { renamingErrors } from './renaming.ts';
import { keyspacesDone, nodeBackups } from './result.ts';
import { phaseShortfalls } from './shortfalls.ts';
import { changeSteps, jobError, skipRest, stepOf, stepsOf, withPhase } from './steps.ts';
import { findingOf } from './verification.ts';

/** Ends a phase whose steps have all ended, and decides what follows from how they did. */
export function phaseEnded(job: ClusterJob, phaseIndex: number, nodes: ClusterNode[], now: number): ClusterJob {
  const phase = job.phases[phaseIndex];
  if (!phase) return job;
  const decided = wasSkipped(phase) ? job : decide(job, phase, nodes);
  return withPhase(decided, phaseIndex, { finished: now });
}

function wasSkipped(phase: Phase): boolean {
  return phase.steps.every(({ state }) => state === 'SKIPPED');
}

function decide(job: ClusterJob, phase: Phase, nodes: ClusterNode[]): ClusterJob {
  switch (phase.name) {
    case 'preflight':
      return afterPreflight(job);
    case 'backup':
      return afterBackup(job);
    case 'confirm':
      return withErrors(afterBackup(job), absentTables(job));
    case 'check':
      return goOnUnless(job, mayRestoreBegin(job, nodes));
    case 'stage':
      return afterStage(job, nodes);
    case 'truncate':
      return phaseShortfalls(job, 'truncate').length === 0 ? job : skipRest(job);
    case 'load':
      return afterLoad(job);
    case 'inspect':
      return afterInspect(job);
    case 'delete':
      return withErrors(job, deletionErrors(job));
    case 'rename':
      return withErrors(job, renamingErrors(job));
    case 'prune':
      return withErrors(job, pruningErrors(job));
    default:
      // A node whose snapshot failed takes another one when its turn to copy comes.
      return job;
  }
}

/**
 * Only who has a part in the backup can confirm it, and only who confirmed it gets the record: the location may be
 * shared, or each node's own.
 */
function afterBackup(job: ClusterJob): ClusterJob {
  // What is adopted of a keyspace may be only some of its tables.
  const stored = job.type === 'ADOPT' ? nodeBackups(job).length : keyspacesDone(job, 'backup');
  if (stored === 0) return skipRest(withErrors(job, nothingToBackUp(job)));
  const resumed = resumeErrors(job);
  if (resumed.length > 0) return skipRest(withErrors(job, resumed));
  const parts = new Set(nodeBackups(job).map(({ executorId }) => executorId));
  return changeSteps(
    job,
    ({ state, executorId }) => state === 'PENDING' && !parts.has(executorId),
    () => ({ state: 'SKIPPED' }),
  );
}

function nothingToBackUp(job: ClusterJob): JobError[] {
  const ended = stepsOf(job, 'backup').filter(({ state }) => state === 'SUCCESS');
  const isEmpty = ended.every(({ report }) => Object.keys(report?.keyspaces ?? {}).length === 0);
  if (ended.length === 0 || !isEmpty) return [];
  const { keyspaces, tables } = job.parameters;
  const wanted = [...(keyspaces ?? []), ...(tables ?? [])].join(', ');
  const message = wanted === '' ? 'No node has a keyspace of a user' : `No node has any of ${wanted}`;
  return [jobError('NOTHING_TO_BACK_UP', `${message}: there is nothing to back up`)];
}

/** Everything must lie ready on every node before the first table is emptied. */
function afterStage(job: ClusterJob, nodes: ClusterNode[]): ClusterJob {
  const members = membersChanged(job, nodes);
  if (members.length > 0 || phaseShortfalls(job, 'stage').length > 0) return skipRest(withErrors(job, members));
  // The node whose backup finished last knows the newest schema.
  const checks = stepsOf(job, 'check').toSorted((a, b) => finishedBackup(b) - finishedBackup(a));
  const executorId = checks[0]?.executorId;
  if (executorId === undefined) return job;
  return changeSteps(
    job,
    (_step, phase) => phase.name === 'truncate',
    () => ({ executorId }),
  );
}

function finishedBackup(check: ReturnType<typeof stepsOf>[number]): number {
  return check.report?.check?.backupFinished ?? 0;
}

/** A node that could not load keeps its staged files for another try, so it has nothing to verify. */
function afterLoad(job: ClusterJob): ClusterJob {
  return changeSteps(
    job,
    ({ executorId }, phase) => phase.name === 'verify' && stepOf(job, 'load', executorId)?.state !== 'SUCCESS',
    () => ({ state: 'SKIPPED' }),
  );
}

/** Only who could look may write down what was found, and only where that says something of the whole backup. */
function afterInspect(job: ClusterJob): ClusterJob {
  const { keep, errors } = findingOf(job);
  if (!keep) return skipRest(withErrors(job, errors));
  return changeSteps(
    job,
    ({ executorId }, phase) => phase.name === 'commit' && stepOf(job, 'inspect', executorId)?.state !== 'SUCCESS',
    () => ({ state: 'SKIPPED' }),
  );
}

function goOnUnless(job: ClusterJob, errors: JobError[]): ClusterJob {
  return errors.length === 0 ? job : skipRest(withErrors(job, errors));
}

function withErrors(job: ClusterJob, errors: JobError[]): ClusterJob {
  return errors.length === 0 ? job : { ...job, errors: [...job.errors, ...errors] };
}
