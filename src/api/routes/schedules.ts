import { z } from 'zod';
import { OperatorError } from '../../errors.ts';
import {
  backupNameAt,
  begun,
  checkApart,
  checkSchedule,
  newSchedule,
  nextPlanned,
  nextRun,
  overdueBy,
  pausedOrNot,
  respecified,
} from '../../jobs/schedules.ts';
import type { Schedule, ScheduledParameters, ScheduleSpec } from '../../model/schedule.ts';
import type { ApiDeps } from '../deps.ts';
import { choiceParam, durationParam } from '../params.ts';
import { jsonRoute, type Call, type Route } from '../route.ts';
import { POLICY, policyOf } from './backups.ts';
import { BACKUP_START, executorIdsOf } from './jobs.ts';

const TEXT = (what: string) => z.string({ error: what });
const { name: _name, rehash: _rehash, resume: _resume, credentials: _credentials, ...PARAMETERS } = BACKUP_START;
const { timeZone: _zone, ...RULES } = POLICY;

const SPEC = {
  cron: TEXT('a cron expression such as 0 3 * * *'),
  timeZone: TEXT('a time zone such as Europe/Berlin').default('UTC'),
  overlap: choiceParam(['skip', 'wait']).default('skip'),
  missed: choiceParam(['skip', 'run']).default('skip'),
  jitter: durationParam().default(0),
  namePattern: TEXT('a pattern such as {schedule}-{time}').default('{schedule}-{time}'),
  maxAge: durationParam().optional(),
  ...RULES,
  ...PARAMETERS,
};

/** Backups by the clock. */
export function scheduleRoutes(deps: ApiDeps): Route[] {
  const change = (name: string, rule: (schedule: Schedule) => Schedule) =>
    deps.state.transaction(() => {
      const after = rule(found(deps, name));
      deps.state.schedules.save(after);
      return after;
    });
  const orders = {
    pause: (schedule) => pausedOrNot(schedule, true, deps.clock.now()),
    resume: (schedule) => pausedOrNot(schedule, false, deps.clock.now()),
    run: (schedule) => runNow(deps, schedule),
  } satisfies Record<string, (schedule: Schedule) => Schedule>;
  return [
    jsonRoute('GET', '/cluster/schedules', {}, () => ({
      schedules: deps.state.schedules.all().map((schedule) => scheduleJson(schedule, deps.clock.now())),
    })),
    jsonRoute('GET', '/cluster/schedules/:name', {}, ({ path }) =>
      scheduleJson(found(deps, path['name'] ?? ''), deps.clock.now()),
    ),
    jsonRoute('PUT', '/cluster/schedules/:name', SPEC, ({ path, params }) => put(deps, path['name'] ?? '', params)),
    jsonRoute('DELETE', '/cluster/schedules/:name', {}, ({ path }) => {
      const { name } = found(deps, path['name'] ?? '');
      return { deleted: deps.state.schedules.delete(name) };
    }),
    ...Object.entries(orders).map(([order, rule]) =>
      jsonRoute('POST', `/cluster/schedules/:name/${order}`, {}, ({ path }) =>
        scheduleJson(change(path['name'] ?? '', rule), deps.clock.now()),
      ),
    ),
  ];
}

function found({ state }: ApiDeps, name: string): Schedule {
  const schedule = state.schedules.get(name);
  if (schedule !== null) return schedule;
  throw new OperatorError('NOT_FOUND', `There is no schedule ${JSON.stringify(name.slice(0, 100))}`, {
    hint: 'GET /cluster/schedules lists them; PUT /cluster/schedules/{name} makes one.',
  });
}

function put(deps: ApiDeps, name: string, params: Call<typeof SPEC>['params']) {
  const { state, clock } = deps;
  const spec = specOf(deps, name, params);
  checkSchedule(spec);
  deps.jobs.checkLocation(params.location);
  return state.transaction(() => {
    checkApart(spec, state.schedules.all());
    const before = state.schedules.get(name);
    const now = clock.now();
    const schedule = before === null ? newSchedule(spec, now) : respecified(before, spec, now);
    state.schedules.save(schedule);
    return scheduleJson(schedule, now);
  });
}

function specOf(deps: ApiDeps, name: string, params: Call<typeof SPEC>['params']): ScheduleSpec {
  const { cron, timeZone, overlap, missed, jitter, namePattern, maxAge, ...rest } = params;
  const { keepLast, keepDaily, keepWeekly, keepMonthly, minAge, nodes, ...backup } = rest;
  const rules = { keepLast, keepDaily, keepWeekly, keepMonthly, minAge };
  const hasPolicy = Object.values(rules).some((rule) => rule !== undefined);
  const given = { ...backup, ...(nodes === undefined ? {} : { nodes: executorIdsOf(deps, nodes) }) };
  return {
    name,
    cron,
    timeZone,
    overlap,
    missed,
    jitterMs: jitter,
    namePattern,
    parameters: Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as ScheduledParameters,
    retention: hasPolicy ? policyOf({ ...rules, timeZone }) : null,
    maxAgeMs: maxAge ?? null,
  };
}

/** It begins within a second. Refused while anything runs, whatever its overlap says: somebody is looking. */
function runNow({ jobs, clock }: ApiDeps, schedule: Schedule): Schedule {
  const running = jobs.running();
  if (running !== null || schedule.current !== null) {
    const what = running === null ? 'A run of the schedule waits' : `Job ${running.id} is running: ${running.type}`;
    throw new OperatorError('JOB_RUNNING', `${what}. One job runs at a time`, {
      hint: 'Wait for its end, or abort it.',
    });
  }
  return begun(schedule, clock.now());
}

function scheduleJson(schedule: Schedule, now: number) {
  const { name, cron, timeZone, overlap, missed, jitterMs, namePattern, parameters, retention, maxAgeMs } = schedule;
  const { paused, created, current, lastRun, lastSuccess, failures } = schedule;
  const planned = nextPlanned(schedule);
  return {
    name,
    cron,
    timeZone,
    overlap,
    missed,
    jitter: jitterMs,
    namePattern,
    parameters,
    retention,
    maxAge: maxAgeMs,
    paused,
    created,
    nextRun: nextRun(schedule),
    nextName: planned === null ? null : backupNameAt(schedule, planned),
    currentRun: current,
    lastRun,
    lastSuccess,
    lastSuccessAge: lastSuccess === null ? null : Math.max(0, now - lastSuccess),
    overdue: overdueBy(schedule, now) !== null,
    failures,
  };
}
