import type { Command } from 'commander';
import { writeJson, type CommandContext, type Register } from '../action.ts';
import { CREDENTIALS_OPTION, credentialsOf } from '../credentials.ts';
import { table } from '../format.ts';
import { START_OPTIONS } from '../job-kinds.ts';
import { finishJob } from '../wait.ts';

/** What the commands read of a tree that another program has made; api-docs/openapi.yaml has all of it. */
interface ForeignView {
  location: string;
  reason: string | null;
  backups: {
    madeBy: string;
    framework: string;
    name: string;
    nodes: string[];
    keyspaces: string[];
    sstableVersions: string[];
    message: string | null;
  }[];
}

/** Looks for what other programs have made and makes backups of ours of it; joins the group `backup`. */
export function addAdoptionCommands(program: Command, register: Register): void {
  const group = program.commands.find((command) => command.name() === 'backup') ?? program.command('backup');
  const foreign = group
    .command('foreign')
    .description('Show what other programs have made, and could be adopted.')
    .option(...START_OPTIONS.location);
  register(foreign, (context) => listForeign(foreign, context));
  const adopt = group
    .command('adopt')
    .description('Make a backup of what another program, as the forerunner, has made.')
    .argument('<name>', 'its name, which the backup gets; with --from of DC/OS and cassandra_snapshotter any')
    .option(
      '--from <folder>',
      "folder that holds those of the nodes (default: the framework's name, the cluster's, the backup's)",
    )
    .option(
      '--node-map <folder=number,…>',
      'whose folders are whose, where their names do not say it: node-0=3,node-1=4',
    )
    .option(...START_OPTIONS.location)
    .option(...CREDENTIALS_OPTION)
    .option(...START_OPTIONS.strategy)
    .option(...START_OPTIONS.concurrency)
    .option('--wait', 'show the progress until the job has ended; the exit code is its result');
  register(adopt, (context) => startAdoption(adopt, context));
}

async function listForeign(command: Command, { client, deps, json }: CommandContext): Promise<number> {
  const { location } = command.opts<{ location?: string }>();
  const query = location === undefined ? '' : `?${new URLSearchParams({ location }).toString()}`;
  const answer = await client.get<ForeignView>(`/cluster/backups/foreign${query}`);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(describeForeign(answer));
  return 0;
}

function describeForeign({ location, reason, backups }: ForeignView): string {
  if (reason !== null) return `The scheduler cannot look into ${location}: ${reason}.\n`;
  if (backups.length === 0) return `Nothing of another program is in ${location}.\n`;
  const rows = backups.map(({ name, framework, madeBy, nodes, keyspaces, sstableVersions }) => [
    name,
    framework,
    madeBy,
    nodes.length,
    keyspaces.join(', '),
    sstableVersions.join(', '),
  ]);
  const notes = backups.flatMap(({ name, message }) => (message === null ? [] : [`${name}: ${message}`]));
  return `${[table(['BACKUP', 'FROM', 'MADE BY', 'NODES', 'KEYSPACES', 'SSTABLES'], rows), ...notes].join('\n')}\n`;
}

async function startAdoption(command: Command, context: CommandContext): Promise<number> {
  const { client, deps, json } = context;
  const { wait, ...params } = command.opts<Record<string, string | true>>();
  const [name = ''] = command.args;
  const answer = await client.post<{ job: number }>('/cluster/backups/adopt', {
    name,
    ...adoptionParams(params),
    credentials: await credentialsOf(command, deps),
  });
  if (wait) return finishJob(answer.job, context);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`Started adoption of ${name} as job ${answer.job}; \`adoption status\` shows it.\n`);
  return 0;
}

/** Without the options that are the command line's own. */
function adoptionParams({ from, nodeMap, location, strategy, concurrency }: Record<string, string | true>) {
  return { from, nodeMap, location, strategy, concurrency };
}
