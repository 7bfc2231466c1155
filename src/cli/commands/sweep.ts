import type { Command } from 'commander';
import { writeJson, type CommandContext } from '../action.ts';
import { credentialsOf } from '../credentials.ts';
import { finishJob } from '../wait.ts';

interface Options {
  grace?: string;
  location?: string;
  dryRun?: true;
  wait?: true;
}

/** Starts a sweep; what was found is in the job. */
export async function sweepBackups(command: Command, context: CommandContext): Promise<number> {
  const { client, deps, json } = context;
  const { wait, grace, location, dryRun } = command.opts<Options>();
  const credentials = await credentialsOf(command, deps);
  const answer = await client.post<{ job: number }>('/cluster/backups/sweep', { grace, location, dryRun, credentials });
  if (wait) return finishJob(answer.job, context);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`Started sweep as job ${answer.job}; \`sweeping status\` shows it.\n`);
  return 0;
}
