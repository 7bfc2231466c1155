import test from 'ava';
import * as fc from 'fast-check';
import { planRetention, type RetentionCandidate } from '../../src/jobs/retention.ts';
import type { RetentionPolicy } from '../../src/model/retention.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const UTC = { timeZone: 'UTC' };

const backup = (name: string, finished: number | null, state: RetentionCandidate['state'] = 'COMPLETE') => ({
  name,
  state,
  started: null,
  finished,
});
/** d0 is the newest. */
const daily = (count: number) => Array.from({ length: count }, (_, n) => backup(`d${n}`, NOW - n * DAY));
const kept = (backups: RetentionCandidate[], policy: RetentionPolicy) =>
  planRetention(backups, policy, NOW)
    .keep.map(({ name }) => name)
    .toSorted();

test('the newest so many stay, and each says why', (t) => {
  const plan = planRetention(daily(4), { ...UTC, keepLast: 2 }, NOW);
  t.deepEqual(plan.keep, [
    { name: 'd0', reasons: ['the newest whole one', 'one of the last 2'] },
    { name: 'd1', reasons: ['one of the last 2'] },
  ]);
  t.deepEqual(plan.delete, ['d2', 'd3']);
});

test('the newest of each day, week from Monday and month stays', (t) => {
  const twice = [...daily(3), backup('early', NOW - 3 * HOUR)];
  t.deepEqual(kept(twice, { ...UTC, keepDaily: 2 }), ['d0', 'd1']);
  // 20 November 2026 is a Friday: its week begins with d4, the one before with d11.
  t.deepEqual(kept(daily(15), { ...UTC, keepWeekly: 3 }), ['d0', 'd12', 'd5']);
  t.deepEqual(kept(daily(60), { ...UTC, keepMonthly: 3 }), ['d0', 'd20', 'd51']);
});

test('days without a backup are not counted', (t) => {
  t.deepEqual(kept([backup('a', NOW - 10 * DAY), backup('b', NOW - 30 * DAY)], { ...UTC, keepDaily: 2 }), ['a', 'b']);
});

test('a day begins when it does in the zone, also where clocks change', (t) => {
  // Berlin, 29 March 2026: the day has 23 hours, and begins at 23:00 UTC of the 28th.
  const spring = [
    backup('a', Date.parse('2026-03-28T22:59Z')),
    backup('b', Date.parse('2026-03-28T23:01Z')),
    backup('c', Date.parse('2026-03-29T21:59Z')),
  ];
  t.deepEqual(kept(spring, { timeZone: 'Europe/Berlin', keepDaily: 3 }), ['a', 'c']);
  t.deepEqual(kept(spring, { timeZone: 'UTC', keepDaily: 3 }), ['b', 'c']);
});

test('what is young stays whatever the rules say', (t) => {
  t.deepEqual(kept(daily(4), { ...UTC, keepLast: 1, minAgeMs: 2 * DAY + 1 }), ['d0', 'd1', 'd2']);
});

test('only whole backups count; one that is not goes once a newer whole one is there', (t) => {
  const backups = [
    backup('half', NOW - HOUR, 'PARTIAL'),
    backup('whole', NOW - DAY),
    backup('old', NOW - 2 * DAY, 'DAMAGED'),
  ];
  t.deepEqual(kept(backups, { ...UTC, keepLast: 5 }), ['half', 'whole']);
  const none = [backup('a', NOW - HOUR, 'INCOMPLETE'), backup('b', NOW - DAY, 'DAMAGED')];
  t.deepEqual(kept(none, { ...UTC, keepLast: 1 }), ['a', 'b']);
});

test('what is at work, has no time, or one that has not come yet, stays', (t) => {
  const backups = [
    backup('made', NOW - 9 * DAY, 'RUNNING'),
    backup('going', NOW - 9 * DAY, 'DELETING'),
    backup('timeless', null, 'INCOMPLETE'),
    // The clock was set back since.
    backup('future', NOW + DAY),
    ...daily(2),
  ];
  t.deepEqual(kept(backups, { ...UTC, keepLast: 1 }), ['d0', 'future', 'going', 'made', 'timeless']);
});

test('a policy that would keep nothing, or has no such time zone, is refused', (t) => {
  for (const policy of [UTC, { ...UTC, keepLast: 0 }, { ...UTC, minAgeMs: DAY }]) {
    t.throws(() => planRetention(daily(1), policy, NOW), { code: 'BAD_REQUEST', message: /keepLast/ });
  }
  t.throws(() => planRetention([], { keepLast: 1, timeZone: 'Middle/Earth' }, NOW), { message: /Middle\/Earth/ });
});

const someBackups = fc.uniqueArray(
  fc.record({
    name: fc.string({ minLength: 1, maxLength: 4 }),
    state: fc.constantFrom('COMPLETE', 'COMPLETE', 'PARTIAL', 'INCOMPLETE', 'DAMAGED', 'RUNNING' as const),
    started: fc.constant(null),
    finished: fc.option(fc.integer({ min: NOW - 400 * DAY, max: NOW + DAY })),
  }),
  { selector: ({ name }) => name, maxLength: 40 },
) as fc.Arbitrary<RetentionCandidate[]>;
const count = fc.integer({ min: 0, max: 6 });
const somePolicy = fc.record({
  keepLast: count.map((n) => n + 1),
  keepDaily: count,
  keepWeekly: count,
  keepMonthly: count,
  minAgeMs: fc.integer({ min: 0, max: 30 * DAY }),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns'),
});

test('whatever the policy: all are decided on, the newest whole one stays, more keeps no less, and twice changes nothing', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(someBackups, somePolicy, (backups, policy) => {
        const plan = planRetention(backups, policy, NOW);
        const names = [...plan.keep.map(({ name }) => name), ...plan.delete];
        const isAll =
          names.toSorted().join('\n') ===
          backups
            .map(({ name }) => name)
            .toSorted()
            .join('\n');
        const newest = backups
          .filter(({ state, finished }) => state === 'COMPLETE' && finished !== null && finished <= NOW)
          .toSorted((a, b) => (b.finished ?? 0) - (a.finished ?? 0))[0];
        const more = planRetention(
          backups,
          { ...policy, keepLast: policy.keepLast + 1, keepDaily: policy.keepDaily + 1 },
          NOW,
        );
        const left = backups.filter(({ name }) => !plan.delete.includes(name));
        return (
          isAll &&
          (newest === undefined ||
            backups.some((b) => b.finished === newest.finished && !plan.delete.includes(b.name))) &&
          more.delete.every((name) => plan.delete.includes(name)) &&
          planRetention(left, policy, NOW).delete.length === 0
        );
      }),
      { seed: 7, numRuns: 500 },
    ),
  );
});
