import type { Command } from 'commander';
import { OperatorError } from '../../errors.ts';
import { writeJson, type CommandContext, type Register } from '../action.ts';
import { describeJob, exitCodeOf } from '../job-report.ts';
import type { JobView } from '../job-view.ts';
import { createProgress } from '../progress.ts';
import { waitForJob } from '../wait.ts';

type Kind = 'backup' | 'restore';

interface StartOptions extends StartParams {
  wait?: boolean;
}

/** The parameters of `start`, under the names that REST gives them. */
interface StartParams {
  name?: string;
  location?: string;
  keyspaces?: string;
  tables?: string;
  nodes?: string;
  strategy?: string;
  concurrency?: string;
  snapshot?: string;
}

const PARAMS = ['name', 'location', 'keyspaces', 'tables', 'nodes', 'strategy', 'concurrency', 'snapshot'] as const;

export function addJobCommands(program: Command, register: Register): void {
  for (const kind of ['backup', 'restore'] as const) {
    const group = program.command(kind).description(`Start, watch and abort a ${kind} of the cluster.`);
    const start = startCommand(group, kind);
    register(start, (context) => startJob(kind, start, context));
    for (const which of ['status', 'last'] as const) {
      const show = group
        .command(which)
        .description(which === 'status' ? `Show the ${kind} that runs now.` : `Show the ${kind} that ended last.`);
      register(show, (context) => showJob(kind, which, context));
    }
    const abort = group
      .command('abort')
      .description(`End the running ${kind} after the node at work has finished.`)
      .option('--now', 'kill the step at work as well, and clean up');
    register(abort, (context) => abortJob(kind, abort.opts<{ now?: boolean }>().now ?? false, context));
  }
}

function startCommand(group: Command, kind: Kind): Command {
  const start = group.command('start').description(`Start a ${kind} of the cluster.`);
  if (kind === 'restore') start.argument('[name]', 'name of the backup');
  start
    .option('--name <name>', kind === 'backup' ? 'name of the backup (default: backup-<epoch ms>)' : 'the same')
    .option('--location <url>', "where backups lie (default: the scheduler's)")
    .option('--keyspaces <list>', 'only these keyspaces, with commas between')
    .option('--tables <list>', 'only these tables, each as keyspace.table')
    .option('--strategy <strategy>', 'serial: one node at a time; parallel: several')
    .option('--concurrency <n>', 'how many nodes at a time with --strategy parallel');
  if (kind === 'backup') {
    start
      .option('--nodes <list>', 'only these nodes, by executor id, hostname or ip')
      .option('--snapshot <when>', "each: at the node's turn; together: on all nodes first");
  }
  return start.option('--wait', 'show the progress until the job has ended; the exit code is its result');
}

async function startJob(kind: Kind, start: Command, context: CommandContext): Promise<number> {
  const { client, deps, json } = context;
  const { wait = false, ...options } = start.opts<StartOptions>();
  const argument = start.args[0];
  if (argument !== undefined && options.name !== undefined && argument !== options.name) {
    throw new OperatorError('BAD_REQUEST', `Expected one name, got ${argument} and --name ${options.name}`);
  }
  const params: StartParams = { ...options, ...(argument === undefined ? {} : { name: argument }) };
  const given = PARAMS.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]]]));
  const answer = await client.post<{ name: string; job: number }>(`/cluster/${kind}/start`, Object.fromEntries(given));
  if (wait) return finishJob(answer.job, context);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`Started ${kind} ${answer.name} as job ${answer.job}; \`${kind} status\` shows it.\n`);
  return 0;
}

async function finishJob(id: number, context: CommandContext): Promise<number> {
  const { deps, json } = context;
  const job = await waitForJob(id, context, createProgress(deps, json));
  if (json) writeJson(deps, job);
  else deps.stdout.write(describeJob(job, deps.clock.now()));
  return exitCodeOf(job);
}

/** `status` says that something runs, so it succeeds; `last` speaks of a result, and its exit code says which. */
async function showJob(kind: Kind, which: 'status' | 'last', { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.get<Partial<Record<Kind, JobView | null>>>(`/cluster/${kind}/${which}`);
  const job = answer[kind] ?? null;
  if (json) writeJson(deps, answer);
  else if (job) deps.stdout.write(describeJob(job, deps.clock.now()));
  else deps.stdout.write(which === 'status' ? `No ${kind} is running.\n` : `No ${kind} has ended yet.\n`);
  return job && which === 'last' ? exitCodeOf(job) : 0;
}

async function abortJob(kind: Kind, now: boolean, { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.post<{ aborted: boolean }>(`/cluster/${kind}/abort`, { now });
  if (json) writeJson(deps, answer);
  else if (!answer.aborted)
    deps.stderr.write(`No ${kind} is running that could be aborted, or it is being aborted already.\n`);
  else if (now) deps.stdout.write(`The ${kind} is being aborted; the step at work is killed.\n`);
  else deps.stdout.write(`The ${kind} ends when the node at work has finished; --now kills its step.\n`);
  return answer.aborted ? 0 : 1;
}
