import { OperatorError } from '../errors.ts';
import { writeJson, type CommandContext } from './action.ts';
import { duration } from './format.ts';
import { describeJob, exitCodeOf } from './job-report.ts';
import type { JobView } from './job-view.ts';
import { createProgress, type Progress } from './progress.ts';

const DEFAULT_POLL_MS = 1_000;
const DEFAULT_OUTAGE_MS = 5 * 60_000;

/** Shows a job's progress until it has ended, then the job. Returns the exit code that its result is. */
export async function finishJob(id: number, context: CommandContext): Promise<number> {
  const { deps, json } = context;
  const job = await waitForJob(id, context, createProgress(deps, json));
  if (json) writeJson(deps, job);
  else deps.stdout.write(describeJob(job, deps.clock.now()));
  return exitCodeOf(job);
}

/**
 * Follows a job until it has ended. Asks for it by its id, so that neither its end nor a job after it is missed. A
 * scheduler that restarts meanwhile is waited for; throws SCHEDULER_UNREACHABLE when it stays away.
 */
async function waitForJob(id: number, { client, deps, signal }: CommandContext, progress: Progress): Promise<JobView> {
  const outageMs = deps.outageMs ?? DEFAULT_OUTAGE_MS;
  let lostAt: number | null = null;
  try {
    for (;;) {
      try {
        const job = await client.get<JobView>(`/cluster/jobs/${id}`);
        if (lostAt !== null) progress.notice('The scheduler answers again.');
        lostAt = null;
        progress.update(job);
        if (job.finished !== null) return job;
      } catch (error) {
        if (!(error instanceof OperatorError) || !error.retryable) throw error;
        if (lostAt === null) progress.notice(`${error.message}. Waiting up to ${duration(outageMs)} for it.`);
        lostAt ??= deps.clock.now();
        if (deps.clock.now() - lostAt >= outageMs) throw error;
      }
      await deps.clock.sleep(deps.pollMs ?? DEFAULT_POLL_MS, signal);
    }
  } finally {
    progress.stop();
  }
}
