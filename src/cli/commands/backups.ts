import type { Command } from 'commander';
import { writeJson, type CommandContext, type Register } from '../action.ts';
import { describeBackup, describeBackups, type BackupView } from '../backup-report.ts';
import { START_OPTIONS } from '../job-kinds.ts';
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
  const verify = waiting(ofOne('verify', 'Check a backup without restoring it.')).option('--deep', 'read every byte');
  register(verify, (context) => start(verify, context, 'verification'));
  const remove = waiting(ofOne('delete', 'Delete a backup for good.')).option(
    '--force',
    'also when it is the only whole backup',
  );
  register(remove, (context) => start(remove, context, 'deletion'));
}

function waiting(made: Command): Command {
  return made.option('--wait', 'show the progress until the job has ended; the exit code is its result');
}

function pathOf(command: Command, parameters: readonly ('location' | 'force')[], below = ''): string {
  const options = command.opts<Options>();
  const given = new URLSearchParams();
  for (const name of parameters) if (options[name] !== undefined) given.set(name, String(options[name]));
  const query = given.toString();
  const [name] = command.args;
  const one = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `/cluster/backups${one}${below}${query === '' ? '' : `?${query}`}`;
}

async function listBackups(command: Command, { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.get<{ backups: BackupView[] }>(pathOf(command, ['location']));
  if (json) writeJson(deps, answer);
  else deps.stdout.write(describeBackups(answer.backups));
  return 0;
}

async function showBackup(command: Command, { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.get<BackupView>(pathOf(command, ['location']));
  if (json) writeJson(deps, answer);
  else deps.stdout.write(describeBackup(answer));
  return 0;
}

async function start(command: Command, context: CommandContext, what: 'verification' | 'deletion'): Promise<number> {
  const { client, deps, json } = context;
  const { deep, location, wait } = command.opts<Options>();
  const answer =
    what === 'deletion'
      ? await client.delete<{ job: number }>(pathOf(command, ['location', 'force']))
      : await client.post<{ job: number }>(pathOf(command, [], '/verify'), { deep, location });
  if (wait) return finishJob(answer.job, context);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`Started ${what} of ${command.args[0]} as job ${answer.job}; \`${what} status\` shows it.\n`);
  return 0;
}
