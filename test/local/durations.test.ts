import test from 'ava';
import { formatDuration } from '../../src/local/durations.ts';
import { parseDuration } from '../../src/mesos/duration.ts';

test('a duration is a whole number of the largest unit that gives one', (t) => {
  t.is(formatDuration(3000), '3secs');
  t.is(formatDuration(900_000), '15mins');
  t.is(formatDuration(90_000), '90secs');
  t.is(formatDuration(1500), '1500ms');
  t.is(formatDuration(86_400_000), '1days');
  t.is(formatDuration(0.5), '500us');
  t.is(formatDuration(0), '0ns');
});

test('an executor reads what the agent wrote', (t) => {
  for (const ms of [0, 0.5, 300, 3000, 60_000, 5_400_000]) t.is(parseDuration(formatDuration(ms)), ms);
});
