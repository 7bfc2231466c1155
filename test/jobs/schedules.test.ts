import test from 'ava';
import {
  backupNameAt,
  begun,
  checkApart,
  checkSchedule,
  decide,
  jitterAt,
  newSchedule,
  nextRun,
  overdueBy,
  pausedOrNot,
  respecified,
} from '../../src/jobs/schedules.ts';
import type { Schedule, ScheduleSpec } from '../../src/model/schedule.ts';

const at = (iso: string): number => Date.parse(iso);
const HOUR = 3_600_000;

const nightly: ScheduleSpec = {
  name: 'nightly',
  cron: '0 3 * * *',
  timeZone: 'UTC',
  overlap: 'skip',
  missed: 'skip',
  jitterMs: 0,
  namePattern: '{schedule}-{time}',
  parameters: {},
  retention: null,
  maxAgeMs: null,
};
const made = (change: Partial<ScheduleSpec> = {}, when = '2026-11-20T00:00Z'): Schedule =>
  newSchedule({ ...nightly, ...change }, at(when));

test('a run begins at its time and not before, and once', (t) => {
  const schedule = made();
  t.is(nextRun(schedule), at('2026-11-20T03:00Z'));
  t.is(decide(schedule, at('2026-11-20T02:59:59Z'), null), schedule);
  const due = decide(schedule, at('2026-11-20T03:00Z'), null);
  t.deepEqual(due.current, {
    planned: at('2026-11-20T03:00Z'),
    backupName: 'nightly-20261120T030000Z',
    job: null,
  });
  t.is(decide(due, at('2026-11-20T03:00:01Z'), null), due);
  t.is(nextRun(due), at('2026-11-21T03:00Z'));
});

test('times are those of the zone, also where clocks change', (t) => {
  const berlin = { timeZone: 'Europe/Berlin', cron: '30 2 * * *' };
  // 29 March 2026: 02:30 does not exist, after 01:59 comes 03:00. 25 October: it comes twice.
  t.is(nextRun(made(berlin, '2026-03-28T02:00Z')), at('2026-03-29T01:00Z'));
  const autumn = made(berlin, '2026-10-24T12:00Z');
  const first = nextRun(autumn);
  t.is(first, at('2026-10-25T00:30Z'));
  const ran = decide(autumn, first ?? 0, null);
  t.is(nextRun({ ...ran, current: null }), at('2026-10-26T01:30Z'));
});

test('while another job runs a run is left out with the reason, or waits', (t) => {
  const now = at('2026-11-20T03:00Z');
  const skipped = decide(made(), now, 'job 7 RESTORE');
  t.is(skipped.current, null);
  t.like(skipped.lastRun, { result: 'SKIPPED', planned: now, message: 'job 7 RESTORE was running' });
  t.like(decide(made({ overlap: 'wait' }), now, 'job 7 RESTORE').current, { planned: now, job: null });
});

test('a run whose predecessor has not ended is left out, and that one goes on', (t) => {
  const waiting = begun(made(), at('2026-11-20T01:00Z'));
  const after = decide(waiting, at('2026-11-20T03:00Z'), null);
  t.is(after.current, waiting.current);
  t.like(after.lastRun, { result: 'SKIPPED', message: 'the run before it had not ended' });
});

test('what was missed is left out, or made up for once however much it was', (t) => {
  const now = at('2026-11-27T12:00Z');
  const left = decide(made(), now, null);
  t.is(left.current, null);
  t.like(left.lastRun, { result: 'SKIPPED', message: 'no scheduler was there at that time' });
  t.is(nextRun(left), at('2026-11-28T03:00Z'));
  const run = decide(made({ missed: 'run' }), now, null);
  t.like(run.current, { planned: at('2026-11-20T03:00Z') });
  t.is(nextRun(run), at('2026-11-28T03:00Z'));
});

test('what was planned while it was paused is left out, and what waited is not begun', (t) => {
  const paused = pausedOrNot(begun(made({ missed: 'run' }), 1), true, at('2026-11-20T01:00Z'));
  t.is(paused.current, null);
  t.is(decide(paused, at('2026-11-20T03:00Z'), null), paused);
  t.is(nextRun(paused), null);
  const resumed = pausedOrNot(paused, false, at('2026-11-20T12:00Z'));
  t.is(decide(resumed, at('2026-11-20T12:00Z'), null), resumed);
  t.is(nextRun(resumed), at('2026-11-21T03:00Z'));
});

test('a clock that is set back by minutes runs nothing twice, and one that ran years ahead does not stop the schedule', (t) => {
  const ran = { ...decide(made(), at('2026-11-20T03:00:30Z'), null), current: null };
  t.is(decide(ran, at('2026-11-20T02:55Z'), null), ran);
  t.is(decide(ran, at('2026-11-20T03:00Z'), null), ran);
  const ahead = { ...ran, decided: at('2030-01-01T00:00Z') };
  const now = at('2026-11-20T12:00Z');
  t.is(nextRun(decide(ahead, now, null)), at('2026-11-21T03:00Z'));
});

test('jitter is within its bounds, differs from run to run and from schedule to schedule, and is not drawn anew', (t) => {
  const jitterMs = 10 * 60_000;
  const days = Array.from({ length: 50 }, (_, n) => at('2026-11-20T03:00Z') + n * 24 * HOUR);
  const drawn = days.map((day) => jitterAt({ name: 'nightly', jitterMs }, day));
  t.true(drawn.every((ms) => ms >= 0 && ms <= jitterMs));
  t.true(new Set(drawn).size > 40);
  t.deepEqual(
    drawn,
    days.map((day) => jitterAt({ name: 'nightly', jitterMs }, day)),
  );
  t.notDeepEqual(
    drawn,
    days.map((day) => jitterAt({ name: 'other', jitterMs }, day)),
  );
  const schedule = made({ jitterMs });
  const begins = (days[0] ?? 0) + (drawn[0] ?? 0);
  t.is(nextRun(schedule), begins);
  t.is(decide(schedule, begins - 1, null), schedule);
  t.like(decide(schedule, begins, null).current, { planned: days[0], backupName: 'nightly-20261120T030000Z' });
});

test('other words leave what became of it, and decide nothing about the past', (t) => {
  const before = { ...made(), lastSuccess: 5, failures: 2, paused: true };
  const after = respecified(before, { ...nightly, cron: '0 4 * * *' }, at('2026-11-20T12:00Z'));
  t.like(after, { cron: '0 4 * * *', lastSuccess: 5, failures: 2, paused: true, decided: at('2026-11-20T12:00Z') });
});

test('a last success that is too old is overdue; one that never came as well, after as long', (t) => {
  const schedule = made({ maxAgeMs: 26 * HOUR });
  t.is(overdueBy(schedule, schedule.created + 26 * HOUR), null);
  t.is(overdueBy(schedule, schedule.created + 27 * HOUR), HOUR);
  const now = at('2026-12-01T00:00Z');
  t.is(overdueBy({ ...schedule, lastSuccess: now - HOUR }, now), null);
  t.is(overdueBy({ ...schedule, maxAgeMs: null }, now), null);
});

test('names of backups hold the time, in UTC', (t) => {
  t.is(backupNameAt({ ...nightly, namePattern: 'db.{time}' }, at('2026-11-20T03:04:05Z')), 'db.20261120T030405Z');
});

const WRONG: [Partial<ScheduleSpec>, RegExp][] = [
  [{ name: 'a b' }, /name of 1 to 64/],
  [{ name: '' }, /name of 1 to 64/],
  [{ cron: 'at noon' }, /cron expression.*at noon/],
  [{ cron: '0 3 31 2 *' }, /comes true/],
  [{ timeZone: 'Mars/Olympus' }, /Mars\/Olympus/],
  [{ namePattern: 'nightly' }, /\{time\}/],
  [{ namePattern: '../{time}' }, /pattern that gives names/],
  [{ cron: '* * * * *', jitterMs: 60_000 }, /jitter that is shorter/],
  [{ retention: { timeZone: 'UTC' } }, /keepLast/],
];

for (const [change, message] of WRONG) {
  test(`a schedule with ${JSON.stringify(change)} is refused, and it is said why`, (t) => {
    t.throws(() => checkSchedule({ ...nightly, ...change }), { code: 'BAD_REQUEST', message });
  });
}

test('a schedule that makes sense is taken, also one by the second', (t) => {
  t.notThrows(() => checkSchedule(nightly));
  t.notThrows(() => checkSchedule({ ...nightly, cron: '*/5 * * * * *' }));
});

test('a run that is in time begins, however many were missed before it', (t) => {
  const now = at('2026-11-20T03:00:05Z');
  const back = decide(made({}, '2026-11-10T00:00Z'), now, null);
  t.like(back.current, { planned: at('2026-11-20T03:00Z') });
  t.like(back.lastRun, { result: 'SKIPPED', planned: at('2026-11-10T03:00Z') });
});

test('runs by the second are found again at once after a year without a scheduler', (t) => {
  const now = at('2027-11-20T03:00:05Z');
  const back = decide(made({ cron: '* * * * * *' }), now, null);
  t.true(now - (back.current?.planned ?? 0) <= 61_000);
});

test('a jitter that only some of the runs leave room for is refused, at whatever offset the zone is', (t) => {
  for (const timeZone of ['UTC', 'Europe/Moscow', 'Asia/Kolkata']) {
    const spec = { ...nightly, cron: '0,5 3 * * *', timeZone, jitterMs: 600_000 };
    t.throws(() => checkSchedule(spec), { message: /300000 ms/ });
  }
});

test('two schedules whose backups could be taken for each other are refused', (t) => {
  const hourly = { ...nightly, name: 'hourly', namePattern: 'backup-{time}' };
  const daily = { ...nightly, name: 'daily', namePattern: 'backup-{time}' };
  t.throws(() => checkApart(daily, [hourly]), { code: 'BAD_REQUEST', message: /those of hourly/ });
  t.notThrows(() => checkApart(hourly, [hourly, nightly]), 'but not with itself');
  t.notThrows(() => checkApart({ ...nightly, name: 'night' }, [nightly, { ...nightly, name: 'night-ly' }]));
});

test('what is due to be pruned stays due under other words, as long as these have a retention', (t) => {
  const due = { ...made({ retention: { keepLast: 1, timeZone: 'UTC' } }), pruneDue: true };
  t.true(respecified(due, { ...nightly, retention: { keepLast: 2, timeZone: 'UTC' } }, 5).pruneDue);
  t.false(respecified(due, nightly, 5).pruneDue);
});
