import type { Command } from 'commander';
import { writeJson, type CommandContext, type Register } from '../action.ts';
import { duration, table, time } from '../format.ts';
import { START_OPTIONS } from '../job-kinds.ts';
import { POLICY_OPTIONS } from './backups.ts';

/** What the commands read of a schedule; api-docs/openapi.yaml has all of it. */
interface ScheduleView {
  name: string;
  cron: string;
  timeZone: string;
  overlap: string;
  missed: string;
  paused: boolean;
  nextRun: number | null;
  lastRun: { planned: number; job: number | null; result: string; message: string | null } | null;
  lastSuccess: number | null;
  lastSuccessAge: number | null;
  overdue: boolean;
  failures: number;
}

const { name: _name, rehash: _rehash, resume: _resume, ...BACKUP_OPTIONS } = START_OPTIONS;

const OPTIONS: Readonly<Record<string, readonly [flags: string, text: string]>> = {
  overlap: ['--overlap <policy>', 'when another job runs: skip, or wait for its end'],
  missed: ['--missed <policy>', 'when no scheduler was there: skip, or run once as soon as one is'],
  jitter: ['--jitter <duration>', 'begin up to so much later, as 10m'],
  namePattern: ['--name-pattern <pattern>', "of the backups' names (default: {schedule}-{time})"],
  maxAge: ['--max-age <duration>', 'the cluster is unhealthy when the last success is older, as 26h'],
  ...POLICY_OPTIONS,
  ...BACKUP_OPTIONS,
  timeZone: ['--time-zone <zone>', 'of the cron expression and of days to keep, as Europe/Berlin (default: UTC)'],
};

/** Backups by the clock. */
export function addScheduleCommands(program: Command, register: Register): void {
  const group = program.command('schedule').description('Make backups by the clock.');
  register(group.command('list').description('Show all schedules.'), listSchedules);
  const ofOne = (name: string, text: string) =>
    group.command(name).description(text).argument('<name>', 'name of the schedule');
  const show = ofOne('show', 'Show one schedule.');
  register(show, (context) => tell(context, context.client.get(pathOf(show))));
  const set = ofOne('set', 'Make a schedule, or replace all that one says.').requiredOption(
    '--cron <expression>',
    "when, as '0 3 * * *'",
  );
  for (const [flags, text] of Object.values(OPTIONS)) set.option(flags, text);
  register(set, (context) => tell(context, context.client.put(pathOf(set), bodyOf(set))));
  for (const [order, text] of [
    ['pause', 'Begin no more runs until it is resumed.'],
    ['resume', 'Begin runs again; what was planned meanwhile is left out.'],
    ['run', 'Begin a run now.'],
  ] as const) {
    const command = ofOne(order, text);
    register(command, (context) => tell(context, context.client.post(`${pathOf(command)}/${order}`)));
  }
  const remove = ofOne('delete', 'Delete a schedule. Its backups stay.');
  register(remove, (context) => deleteSchedule(remove, context));
}

function pathOf({ args }: Command): string {
  return `/cluster/schedules/${encodeURIComponent(args[0] ?? '')}`;
}

function bodyOf(command: Command): Record<string, unknown> {
  const given = command.opts<Record<string, string>>();
  return Object.fromEntries(['cron', ...Object.keys(OPTIONS)].map((name) => [name, given[name]]));
}

async function listSchedules({ client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.get<{ schedules: ScheduleView[] }>('/cluster/schedules');
  if (json) writeJson(deps, answer);
  else deps.stdout.write(describeSchedules(answer.schedules));
  return 0;
}

function describeSchedules(schedules: ScheduleView[]): string {
  if (schedules.length === 0) return 'There are no schedules.\n';
  const rows = schedules.map(({ name, cron, timeZone, paused, nextRun, lastRun, lastSuccess, overdue }) => [
    name,
    `${cron} ${timeZone}`,
    paused ? 'paused' : time(nextRun),
    lastRun?.result ?? '-',
    `${time(lastSuccess)}${overdue ? ' OVERDUE' : ''}`,
  ]);
  return `${table(['SCHEDULE', 'WHEN', 'NEXT', 'LAST RUN', 'LAST SUCCESS'], rows)}\n`;
}

async function tell({ deps, json }: CommandContext, asked: Promise<ScheduleView>): Promise<number> {
  const schedule = await asked;
  if (json) writeJson(deps, schedule);
  else deps.stdout.write(describeSchedule(schedule));
  return 0;
}

function describeSchedule(schedule: ScheduleView): string {
  const { name, cron, timeZone, overlap, missed, paused, nextRun, lastRun, lastSuccessAge, overdue, failures } =
    schedule;
  const job = lastRun === null || lastRun.job === null ? '' : ` by job ${lastRun.job}`;
  const why = lastRun === null || lastRun.message === null ? '' : `: ${lastRun.message}`;
  const age = lastSuccessAge === null ? 'never' : `${duration(lastSuccessAge)} ago`;
  return [
    `Schedule ${name}: ${cron} ${timeZone}${paused ? ', paused' : ''}`,
    `Next run ${time(nextRun)}; another job running: ${overlap}; missed: ${missed}`,
    `Last run ${lastRun === null ? 'never' : `${lastRun.result}${job}, planned for ${time(lastRun.planned)}${why}`}`,
    `Last success ${age}${overdue ? ', OVERDUE' : ''}${failures === 0 ? '' : `, ${failures} failed since`}`,
    '',
  ].join('\n');
}

async function deleteSchedule(command: Command, { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.delete<{ deleted: boolean }>(pathOf(command));
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`Deleted schedule ${command.args[0]}. Its backups stay.\n`);
  return 0;
}
