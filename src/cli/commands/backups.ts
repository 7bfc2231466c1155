import type { Command } from 'commander';
import { writeJson, type CommandContext, type Register } from '../action.ts';
import { CREDENTIALS_OPTION, credentialsOf } from '../credentials.ts';
import { renameBackups } from './rename-executor.ts';
import { sweepBackups } from './sweep.ts';
import { describeBackup, describeBackups, type BackupView } from '../backup-report.ts';
import { START_OPTIONS } from '../job-kinds.ts';
import { bytes, table } from '../format.ts';
import { finishJob } from '../wait.ts';

interface Options {
  location?: string;
  deep?: true;
  force?: true;
  wait?: true;
}

/** What can be done with backups that are there; joins the group of commands that makes them. */
export function addBackupCommands(program: Command, register: Register): void {
  const group = program.commands.find((command) => command.name() === 'backup') ?? program.command('backup');
  const command = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .option(...START_OPTIONS.location);
  const ofOne = (name: string, description: string) =>
    command(name, description).argument('<name>', 'name of the backup');

  const list = command('list', 'Show all backups.');
  register(list, (context) => listBackups(list, context));
  const show = ofOne('show', 'Show one backup.');
  register(show, (context) => showBackup(show, context));
  const verify = ofJob(ofOne('verify', 'Check a backup without restoring it.')).option('--deep', 'read every byte');
  register(verify, (context) => start(verify, context, 'verification'));
  const remove = ofJob(ofOne('delete', 'Delete a backup for good.')).option(
    '--force',
    'also when it is the only whole backup',
  );
  register(remove, (context) => start(remove, context, 'deletion'));
  const rename = ofJob(command('rename-executor', "Give an executor's backups the id of another one."))
    .requiredOption('--from <executor id>', 'under which they lie')
    .requiredOption('--to <executor id>', 'under which they are to lie')
    .option('--name <name>', 'only this backup')
    .option('--cluster <name>', 'without a scheduler: whose backups, where several clusters have such an executor')
    .option('--dry-run', 'only say what would be done');
  register(rename, (context) => renameBackups(rename, context));
  const sweep = ofJob(command('sweep', 'Delete what killed writers and jobs without an end have left.'))
    .option('--grace <duration>', 'leave alone what has changed within that time (default: 24h)')
    .option('--dry-run', 'only say what would go');
  register(sweep, (context) => sweepBackups(sweep, context));
  const prune = ofJob(command('prune', 'Delete what a retention policy lets go.'));
  for (const [flags, text] of Object.values(POLICY_OPTIONS)) prune.option(flags, text);
  prune.option('--dry-run', 'only say what would be done');
  register(prune, (context) => pruneBackups(prune, context));
}

/** Flags of a retention policy, under the names that REST gives its rules. */
export const POLICY_OPTIONS = {
  keepLast: ['--keep-last <n>', 'keep the newest so many'],
  keepDaily: ['--keep-daily <n>', 'keep the newest of each of the last so many days that have one'],
  keepWeekly: ['--keep-weekly <n>', 'the same of weeks'],
  keepMonthly: ['--keep-monthly <n>', 'the same of months'],
  minAge: ['--min-age <duration>', 'keep whatever is younger, as 12h or 7d'],
  timeZone: ['--time-zone <zone>', 'in which days begin, as Europe/Berlin (default: UTC)'],
} as const satisfies Record<string, readonly [flags: string, text: string]>;

interface PruneAnswer {
  started?: boolean;
  job?: number;
  keep: { name: string; reasons: string[] }[];
  delete: { name: string; state: string; bytes: number | null; bytesOwn: number | null }[];
}

async function pruneBackups(command: Command, context: CommandContext): Promise<number> {
  const { client, deps, json } = context;
  const { wait, ...given } = command.opts<Options & Record<string, string | true>>();
  const names = [...Object.keys(POLICY_OPTIONS), 'location', 'dryRun'];
  const credentials = await credentialsOf(command, deps);
  const params = { ...Object.fromEntries(names.map((name) => [name, given[name]])), credentials };
  const answer = await client.post<PruneAnswer>('/cluster/backups/prune', params);
  if (json && !(wait && answer.job !== undefined)) writeJson(deps, answer);
  if (!json) deps.stdout.write(describePruning(answer));
  if (wait && answer.job !== undefined) return finishJob(answer.job, context);
  if (!json && answer.job !== undefined) {
    deps.stdout.write(`Started pruning as job ${answer.job}; \`pruning status\` shows it.\n`);
  }
  return 0;
}

function describePruning(plan: PruneAnswer): string {
  const rows = [
    ...plan.keep.map(({ name, reasons }) => [name, 'stays', reasons.join(', ')]),
    ...plan.delete.map(({ name, state, bytes: size, bytesOwn }) => [
      name,
      'goes',
      [
        state.toLowerCase(),
        ...(size === null ? [] : [bytes(size)]),
        ...(bytesOwn === null ? [] : [`${bytes(bytesOwn)} its own`]),
      ].join(', '),
    ]),
  ];
  if (rows.length === 0) return 'There are no backups.\n';
  const told = table(['BACKUP', '', 'WHY'], rows);
  return plan.delete.length === 0 ? `${told}\nNothing goes.\n` : `${told}\n`;
}

/** What every command can be told that starts a job. */
function ofJob(made: Command): Command {
  return made
    .option(...CREDENTIALS_OPTION)
    .option('--wait', 'show the progress until the job has ended; the exit code is its result');
}

function pathOf(command: Command, below = ''): string {
  const [name] = command.args;
  return `/cluster/backups${name === undefined ? '' : `/${encodeURIComponent(name)}`}${below}`;
}

/** With the location in the query: what is only looked at has no body. */
function viewOf(command: Command): string {
  const { location } = command.opts<Options>();
  return pathOf(command) + (location === undefined ? '' : `?${new URLSearchParams({ location }).toString()}`);
}

async function listBackups(command: Command, { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.get<{ backups: BackupView[] }>(viewOf(command));
  if (json) writeJson(deps, answer);
  else deps.stdout.write(describeBackups(answer.backups));
  return 0;
}

async function showBackup(command: Command, { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.get<BackupView>(viewOf(command));
  if (json) writeJson(deps, answer);
  else deps.stdout.write(describeBackup(answer));
  return 0;
}

async function start(command: Command, context: CommandContext, what: 'verification' | 'deletion'): Promise<number> {
  const { client, deps, json } = context;
  const { deep, force, location, wait } = command.opts<Options>();
  const credentials = await credentialsOf(command, deps);
  const answer =
    what === 'deletion'
      ? await client.delete<{ job: number }>(pathOf(command), { location, force, credentials })
      : await client.post<{ job: number }>(pathOf(command, '/verify'), { deep, location, credentials });
  if (wait) return finishJob(answer.job, context);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`Started ${what} of ${command.args[0]} as job ${answer.job}; \`${what} status\` shows it.\n`);
  return 0;
}
