import test from 'ava';
import { parseDuration } from '../../src/mesos/duration.ts';

test('durations are read in all units of Mesos', (t) => {
  t.is(parseDuration('15mins'), 900_000);
  t.is(parseDuration('0ns'), 0);
  t.is(parseDuration('2500000ns'), 2.5);
  t.is(parseDuration('1500us'), 1.5);
  t.is(parseDuration('20ms'), 20);
  t.is(parseDuration('10secs'), 10_000);
  t.is(parseDuration('1.5hrs'), 5_400_000);
  t.is(parseDuration('2days'), 172_800_000);
  t.is(parseDuration('1weeks'), 604_800_000);
});

test('anything else is refused with what was expected', (t) => {
  for (const text of ['', '15', 'mins', '15 mins', '15minutes', '-1secs', '1toString']) {
    t.throws(() => parseDuration(text), { code: 'BAD_REQUEST', message: /Expected a duration such as 15mins/ }, text);
  }
});
