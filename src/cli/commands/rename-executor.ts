import type { Command } from 'commander';
import { OperatorError } from '../../errors.ts';
import type { GivenCredentials } from '../../model/credentials.ts';
import { writeJson, type CommandContext } from '../action.ts';
import { credentialsOf } from '../credentials.ts';
import { describeRenamed } from '../job-report.ts';
import { finishJob } from '../wait.ts';

interface Options {
  from: string;
  to: string;
  name?: string;
  location?: string;
  cluster?: string;
  dryRun?: true;
  wait?: true;
}

/**
 * By the scheduler, which sees to it that nothing else works there. Where none answers and a location is named, on the location itself: that is
 * what there is on a bad day.
 */
export async function renameBackups(command: Command, context: CommandContext): Promise<number> {
  const { client, deps, json } = context;
  const { from, to, name, location, dryRun = false, wait } = command.opts<Options>();
  const credentials = await credentialsOf(command, deps);
  const asked = { from, to, name, location, dryRun, credentials };
  let answer: { job: number };
  try {
    answer = await client.post<{ job: number }>('/cluster/backups/rename-executor', asked);
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== 'SCHEDULER_UNREACHABLE' || location === undefined)
      throw error;
    return renameWithout(command, context, { error, credentials });
  }
  if (wait) return finishJob(answer.job, context);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`Started renaming of ${from} as job ${answer.job}; \`renaming status\` shows it.\n`);
  return 0;
}

async function renameWithout(
  command: Command,
  context: CommandContext,
  { error, credentials }: { error: OperatorError; credentials: GivenCredentials | undefined },
): Promise<number> {
  const { deps, json, signal } = context;
  const { from, to, name, location = '', cluster, dryRun = false } = command.opts<Options>();
  if (deps.renameDirectly === undefined) throw error;
  if (!json) deps.stderr.write(`${error.message}. Working on ${location} itself.\n`);
  const renaming = {
    location,
    from,
    to,
    dryRun,
    ...(name === undefined ? {} : { name }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(credentials === undefined ? {} : { credentials }),
  };
  const renamed = await deps.renameDirectly(renaming, signal);
  if (json) writeJson(deps, { ...renamed, from, to, dryRun });
  else deps.stdout.write(`${describeRenamed({ ...renamed, from, to, dryRun })}\n`);
  return 0;
}
