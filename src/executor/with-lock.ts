import { pause } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import type { PhaseName } from '../model/phase.ts';
import { LocationLock } from '../storage/location-lock.ts';
import { renamingMessage, unfinishedRenaming } from '../storage/rename-executor.ts';
import type { StepContext } from './step-context.ts';

/** Phases that write at the location. */
const WRITING: ReadonlySet<PhaseName> = new Set([
  'preflight',
  'backup',
  'confirm',
  'commit',
  'delete',
  'prune',
  'sweep',
  'rename',
]);

/** Phases that must not lose what they read, but may read where nothing can be written. */
const READING: ReadonlySet<PhaseName> = new Set(['check', 'stage', 'load']);

/** Phases that delete what no record names: in the middle of a renaming that is what the next run of it brings together again. */
const DELETING: ReadonlySet<PhaseName> = new Set(['delete', 'prune', 'sweep']);

/** Phases with nothing left to be done at a location where one node of the job has done them. */
const ONCE: ReadonlySet<PhaseName> = new Set(['prune', 'sweep', 'rename']);

/** The last phases of their jobs at a location. */
const LAST: ReadonlySet<PhaseName> = new Set(['commit', 'delete', ...ONCE, 'load']);

const RENEW_MS = 60_000;

/** Signs of life that may fail in a row: half of what makes a lock stale. */
const MOST_MISSED = 30;

/**
 * Does the work of a step while no other scheduler works at the location, see location-lock.ts. Where another node of this job has done all there
 * is to do at this place, nothing is done. The work is ended with LOCATION_LOCKED when the lock is lost. Released with the last phase, and by a
 * preflight that fails; what
 * a killed step leaves is taken over by the scheduler's next.
 */
export async function withLock(context: StepContext, work: (context: StepContext) => Promise<void>): Promise<void> {
  const { phase, executorId } = context.request;
  const lock = await take(context);
  if (DELETING.has(phase)) await refuseWhileRenaming(context);
  if (lock === null) return work(context);
  const doneBy = ONCE.has(phase) ? await lock.finishedBy(phase) : null;
  // What the same node has done may be done again: its report was lost then.
  const isNeeded = doneBy === null || doneBy === executorId;
  try {
    if (isNeeded) await renewing(context, lock, work);
  } catch (error) {
    // The job may end here; where it goes on its next step takes the lock again.
    if (phase === 'preflight') await release(context, lock);
    throw error;
  }
  try {
    if (isNeeded && ONCE.has(phase)) await lock.finish(phase, executorId);
  } catch (error) {
    context.log.warn({ err: error }, 'that this phase is done here could not be noted');
  }
  if (LAST.has(phase)) await release(context, lock);
}

async function release({ log }: StepContext, lock: LocationLock): Promise<void> {
  try {
    await lock.release();
  } catch (error) {
    // The work is done, and the lock ends by itself.
    log.warn({ err: error }, 'the lock of the location could not be released');
  }
}

/** Throws BACKUP_INCOMPLETE. */
async function refuseWhileRenaming({ request, storage }: StepContext): Promise<void> {
  const renaming = await unfinishedRenaming(storage, request.cluster);
  if (renaming === null) return;
  throw new OperatorError('BACKUP_INCOMPLETE', `nothing is deleted now: ${renamingMessage(renaming)}`);
}

/** Null where none is needed or can be had. Throws LOCATION_LOCKED. */
async function take({ request, storage, hostname, clock, log }: StepContext): Promise<LocationLock | null> {
  const { scheduler, phase, cluster, jobUuid, jobId, type } = request;
  if (scheduler === undefined || !(WRITING.has(phase) || READING.has(phase))) return null;
  try {
    return await LocationLock.take(storage, cluster, {
      scheduler,
      jobUuid,
      jobId,
      jobType: type,
      hostname,
      since: clock.now(),
    });
  } catch (error) {
    if (WRITING.has(phase) || (error instanceof OperatorError && error.code === 'LOCATION_LOCKED')) throw error;
    log.warn({ err: error }, 'the location cannot be locked: it is read all the same');
    return null;
  }
}

async function renewing(
  context: StepContext,
  lock: LocationLock,
  work: (context: StepContext) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  const over = new AbortController();
  const renewals = renew(context, lock, over.signal, lost);
  try {
    await work({ ...context, signal: AbortSignal.any([context.signal, lost.signal]) });
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    over.abort();
    await renewals;
  }
}

/** By pauses, not by the time of day, which may be set back. */
async function renew(
  { clock, log }: StepContext,
  lock: LocationLock,
  over: AbortSignal,
  lost: AbortController,
): Promise<void> {
  for (let missed = 0; ;) {
    await pause(clock, RENEW_MS, over);
    if (over.aborted) return;
    try {
      await lock.renew();
      missed = 0;
    } catch (error) {
      missed += 1;
      const isLost = error instanceof OperatorError && error.code === 'LOCATION_LOCKED';
      if (isLost || missed >= MOST_MISSED) return lost.abort(error);
      log.warn({ err: error, missed }, 'the lock of the location could not be renewed');
    }
  }
}
