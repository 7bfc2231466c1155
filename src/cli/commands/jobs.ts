import type { Command } from 'commander';
import { OperatorError } from '../../errors.ts';
import { writeJson, type CommandContext, type Register } from '../action.ts';
import { CREDENTIALS_OPTION, credentialsOf } from '../credentials.ts';
import { JOB_KINDS, START_OPTIONS, type JobKind, type StartOption } from '../job-kinds.ts';
import { describeJob, exitCodeOf } from '../job-report.ts';
import type { JobView } from '../job-view.ts';
import { finishJob } from '../wait.ts';
import { addBandwidthCommand } from './bandwidth.ts';

export function addJobCommands(program: Command, register: Register): void {
  for (const kind of JOB_KINDS) {
    const { command, noun, options } = kind;
    const description =
      options === null ? `Watch and abort ${withArticle(noun)}.` : `Start, watch and abort ${withArticle(noun)}.`;
    const group = program.command(command).description(description);
    if (options !== null) {
      const start = startCommand(group, kind, options);
      register(start, (context) => startJob(kind, start, context));
    }
    for (const which of ['status', 'last'] as const) {
      const show = group
        .command(which)
        .description(which === 'status' ? `Show the ${noun} that runs now.` : `Show the ${noun} that ended last.`);
      register(show, (context) => showJob(kind, which, context));
    }
    const abort = group
      .command('abort')
      .description(`End the running ${noun} after the node at work has finished.`)
      .option('--now', 'kill the step at work as well, and clean up');
    if (options?.includes('bandwidth')) addBandwidthCommand(group, register, kind);
    register(abort, (context) => abortJob(kind, abort.opts<{ now?: boolean }>().now ?? false, context));
  }
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

function startCommand(group: Command, { command, noun }: JobKind, options: NonNullable<JobKind['options']>): Command {
  const start = group.command('start').description(`Start a ${noun} of the cluster.`);
  if (command === 'restore') start.argument('[name]', 'name of the backup');
  for (const [flags, text] of options.map((name) => START_OPTIONS[name])) start.option(flags, text);
  if (options.includes('location')) start.option(...CREDENTIALS_OPTION);
  return start.option('--wait', 'show the progress until the job has ended; the exit code is its result');
}

async function startJob({ command, path, noun, options }: JobKind, start: Command, context: CommandContext) {
  const { client, deps, json } = context;
  const { wait = false, ...given } = start.opts<{ wait?: boolean } & Partial<Record<StartOption, string | true>>>();
  const [argument] = start.args;
  if (argument !== undefined && given.name !== undefined && argument !== given.name) {
    throw new OperatorError('BAD_REQUEST', `Expected one name, got ${argument} and --name ${given.name}`);
  }
  const params = argument === undefined ? given : { ...given, name: argument };
  const body = Object.fromEntries((options ?? []).map((name) => [name, params[name]]));
  const credentials = await credentialsOf(start, deps);
  const answer = await client.post<{ name?: string; job: number }>(`/cluster/${path}/start`, { ...body, credentials });
  if (wait) return finishJob(answer.job, context);
  const what = answer.name === undefined ? noun : `${noun} ${answer.name}`;
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`Started ${what} as job ${answer.job}; \`${command} status\` shows it.\n`);
  return 0;
}

/** `status` says that something runs, so it succeeds; `last` speaks of a result, and its exit code says which. */
async function showJob({ path, key, noun }: JobKind, which: 'status' | 'last', { client, deps, json }: CommandContext) {
  const answer = await client.get<Record<string, unknown>>(`/cluster/${path}/${which}`);
  const job = (answer[key] ?? null) as JobView | null;
  if (json) writeJson(deps, answer);
  else if (job) deps.stdout.write(describeJob(job, deps.clock.now()));
  else deps.stdout.write(which === 'status' ? `No ${noun} is running.\n` : `No ${noun} has ended yet.\n`);
  return job && which === 'last' ? exitCodeOf(job) : 0;
}

async function abortJob({ path, noun }: JobKind, now: boolean, { client, deps, json }: CommandContext) {
  const answer = await client.post<{ aborted: boolean }>(`/cluster/${path}/abort`, { now });
  if (json) writeJson(deps, answer);
  else if (!answer.aborted)
    deps.stderr.write(`No ${noun} is running that could be aborted, or it is being aborted already.\n`);
  else if (now) deps.stdout.write(`The ${noun} is being aborted; the step at work is killed.\n`);
  else deps.stdout.write(`The ${noun} ends when the node at work has finished; --now kills its step.\n`);
  return answer.aborted ? 0 : 1;
}
