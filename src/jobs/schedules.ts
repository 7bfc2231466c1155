import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import { messageOf, OperatorError } from '../errors.ts';
import { isBackupName } from '../model/backup-name.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { Schedule, ScheduledRun, ScheduleSpec } from '../model/schedule.ts';
import { checkPolicy } from './retention.ts';
import { jobErrors } from './shortfalls.ts';

/** A run that is so much behind its time was missed: nobody was there to begin it. */
const LATE_MS = 60_000;
/** A clock that was set back by more than this is believed; by less, nothing is decided twice. */
const SET_BACK_MS = 3_600_000;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Throws BAD_REQUEST that says what was expected, what came and what to do. */
export function checkSchedule(spec: ScheduleSpec): void {
  const { name, cron, timeZone, namePattern, jitterMs, retention } = spec;
  if (!NAME.test(name)) {
    throw wrong(
      `Expected a name of 1 to 64 of A-Z a-z 0-9 . _ - that begins with a letter or digit, got ${quote(name)}`,
    );
  }
  let next: number | null;
  try {
    next = nextTime(spec, Date.UTC(2026, 0));
  } catch (error) {
    throw new OperatorError(
      'BAD_REQUEST',
      `Expected a cron expression and a time zone, got ${quote(cron)} in ${quote(timeZone)}: ${messageOf(error)}`,
      {
        cause: error,
        hint: "As in `0 3 * * *` (at 3 o'clock) and `Europe/Berlin`.",
      },
    );
  }
  if (next === null) throw wrong(`Expected a cron expression that comes true, got ${quote(cron)}`);
  if (!namePattern.includes('{time}')) {
    throw wrong(`Expected {time} in the pattern of the backups' names, got ${quote(namePattern)}: a name is used once`);
  }
  const made = backupNameAt(spec, next);
  if (!isBackupName(made))
    throw wrong(
      `Expected a pattern that gives names of backups, got ${quote(namePattern)}, which gives ${quote(made)}`,
    );
  const gap = smallestGap(spec, next);
  if (jitterMs >= gap) {
    throw wrong(`Expected a jitter that is shorter than the time between two runs, ${gap} ms, got ${jitterMs} ms`);
  }
  if (retention !== null) checkPolicy(retention);
}

/** Of so many runs the gaps are looked at: a month of days, a day of half hours. */
const GAPS = 50;

function smallestGap(spec: ScheduleSpec, first: number): number {
  let smallest = Infinity;
  for (let count = 0, time = first; count < GAPS; count += 1) {
    const next = nextTime(spec, time);
    if (next === null) break;
    smallest = Math.min(smallest, next - time);
    time = next;
  }
  return smallest;
}

function claims(one: ScheduleSpec, other: ScheduleSpec): boolean {
  return isNameOf(one, backupNameAt(other, 0));
}

/** Throws BAD_REQUEST where one of the two would take the other's backups for its own, and delete them. */
export function checkApart(spec: ScheduleSpec, others: readonly ScheduleSpec[]): void {
  const other = others.find((each) => each.name !== spec.name && (claims(spec, each) || claims(each, spec)));
  if (other === undefined) return;
  throw new OperatorError(
    'BAD_REQUEST',
    `Expected names that no other schedule gives, but ${quote(spec.namePattern)} gives those of ${other.name}`,
    {
      hint: 'Put {schedule} into the pattern.',
    },
  );
}

function wrong(message: string): OperatorError {
  return new OperatorError('BAD_REQUEST', message);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

/** The first time of the expression after `time`; null when there is none any more. Throws what is wrong with the expression. */
export function nextTime({ cron, timeZone }: Pick<ScheduleSpec, 'cron' | 'timeZone'>, time: number): number | null {
  return (
    new Cron(cron, { timezone: timeZone, paused: true, mode: '5-or-6-parts' }).nextRun(new Date(time))?.getTime() ??
    null
  );
}

/** The name of the backup that is planned for a time. */
export function backupNameAt(
  { name, namePattern }: Pick<ScheduleSpec, 'name' | 'namePattern'>,
  planned: number,
): string {
  const time = new Date(planned).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return namePattern.replaceAll('{schedule}', name).replaceAll('{time}', time);
}

/** True for names that the schedule gives, whenever it did. */
export function isNameOf({ name, namePattern }: Pick<ScheduleSpec, 'name' | 'namePattern'>, backup: string): boolean {
  const parts = namePattern.replaceAll('{schedule}', name).split('{time}').map(literally);
  return new RegExp(`^${parts.join('\\d{8}T\\d{6}Z')}$`).test(backup);
}

function literally(text: string): string {
  return text.replaceAll(/[^\w-]/g, '\\$&');
}

/** By how much a run begins later. The same whoever asks again, so that a restart does not draw anew. */
export function jitterAt({ name, jitterMs }: Pick<ScheduleSpec, 'name' | 'jitterMs'>, planned: number): number {
  if (jitterMs === 0) return 0;
  return createHash('sha256').update(`${name} ${planned}`).digest().readUInt32BE() % (jitterMs + 1);
}

/** For when the next run is planned; null when none will be. */
export function nextPlanned(schedule: Schedule): number | null {
  return schedule.paused ? null : nextTime(schedule, schedule.decided);
}

/** When the next run begins; null when none will. */
export function nextRun(schedule: Schedule): number | null {
  const planned = nextPlanned(schedule);
  return planned === null ? null : planned + jitterAt(schedule, planned);
}

export function newSchedule(spec: ScheduleSpec, now: number): Schedule {
  const nothing = { current: null, pruneDue: false, lastRun: null, lastSuccess: null, failures: 0 };
  return { ...spec, ...nothing, paused: false, created: now, decided: now };
}

/** The same schedule with other words; what became of it stays. */
export function respecified(schedule: Schedule, spec: ScheduleSpec, now: number): Schedule {
  const { paused, created, current, lastRun, lastSuccess, failures } = schedule;
  const pruneDue = schedule.pruneDue && spec.retention !== null;
  return { ...newSchedule(spec, now), paused, created, current, pruneDue, lastRun, lastSuccess, failures };
}

/** What was planned while it was paused is not made up for, and what waits is not begun. */
export function pausedOrNot(schedule: Schedule, paused: boolean, now: number): Schedule {
  if (schedule.paused === paused) return schedule;
  const isWaiting = schedule.current !== null && schedule.current.job === null;
  return { ...schedule, paused, decided: now, current: isWaiting ? null : schedule.current };
}

/**
 * Decides on the times that have come. The same schedule when none has. `busy`: what runs now, in words; null when no job does. With
 * `current` set and without a job, the run is to be started.
 */
export function decide(schedule: Schedule, now: number, busy: string | null): Schedule {
  // A clock that ran ahead for a while must not stop the schedule for so long.
  if (schedule.decided > now + SET_BACK_MS) return { ...schedule, decided: now };
  if (schedule.paused) return schedule;
  const planned = nextTime(schedule, schedule.decided);
  if (planned === null || planned + jitterAt(schedule, planned) > now) return schedule;
  const isMissed = now - planned - jitterAt(schedule, planned) > LATE_MS;
  if (isMissed && schedule.missed === 'skip') {
    // Those that are as late are left out with it; the newest may be just in time.
    const until = Math.max(planned, now - LATE_MS - schedule.jitterMs);
    const left = skipped({ ...schedule, decided: until }, planned, now, 'no scheduler was there at that time');
    return decide(left, now, busy);
  }
  // All the others that have come meanwhile are decided with it: one run makes up for all.
  const decided = { ...schedule, decided: Math.max(planned, now) };
  if (schedule.current !== null) return skipped(decided, planned, now, 'the run before it had not ended');
  if (busy !== null && schedule.overlap === 'skip') return skipped(decided, planned, now, `${busy} was running`);
  return begun(decided, planned);
}

/** To be begun as soon as no job runs. */
export function begun(schedule: Schedule, planned: number): Schedule {
  return { ...schedule, current: { planned, backupName: backupNameAt(schedule, planned), job: null } };
}

function skipped(schedule: Schedule, planned: number, now: number, message: string): Schedule {
  return { ...schedule, lastRun: { planned, ended: now, job: null, result: 'SKIPPED', message } };
}

/** There is a backup of that name: the clock was set back since it was made. */
export function madeBefore(schedule: Schedule, now: number): Schedule {
  const { current } = schedule;
  if (current === null) return schedule;
  return skipped({ ...schedule, current: null }, current.planned, now, `${current.backupName} was made before`);
}

/** Its job could not be started. */
export function refused(schedule: Schedule, message: string, now: number): Schedule {
  const { current } = schedule;
  return current === null
    ? schedule
    : ended(schedule, { planned: current.planned, ended: now, job: null, result: 'FAILURE', message });
}

/** What its job's end means for it. The same while the job runs. */
export function jobEnded(schedule: Schedule, job: ClusterJob): Schedule {
  const { current } = schedule;
  if (current === null || job.finished === null) return schedule;
  const [error] = jobErrors(job);
  const run = { planned: current.planned, ended: job.finished, job: job.id, message: error?.message ?? null };
  return ended(schedule, { ...run, result: job.result ?? 'FAILURE' });
}

function ended(schedule: Schedule, lastRun: ScheduledRun): Schedule {
  const isSuccess = lastRun.result === 'SUCCESS';
  return {
    ...schedule,
    current: null,
    lastRun,
    lastSuccess: isSuccess ? lastRun.ended : schedule.lastSuccess,
    failures: isSuccess ? 0 : schedule.failures + 1,
    pruneDue: schedule.pruneDue || (isSuccess && schedule.retention !== null),
  };
}

/** By how much the last success is older than the schedule allows, in ms; null while all is well. */
export function overdueBy({ lastSuccess, created, maxAgeMs }: Schedule, now: number): number | null {
  if (maxAgeMs === null) return null;
  const late = now - (lastSuccess ?? created) - maxAgeMs;
  return late > 0 ? late : null;
}
