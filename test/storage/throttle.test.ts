import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Throttle } from '../../src/storage/throttle.ts';
import { HandClock } from '../helpers/hand-clock.ts';

const MB = 1_000_000;
const forever = new AbortController().signal;

function throttleAt(rate: number | null): { throttle: Throttle; clock: HandClock } {
  const clock = new HandClock();
  const throttle = new Throttle(clock);
  throttle.rate = rate;
  return { throttle, clock };
}

/** One that always wants more, in chunks; says what it got. */
function hungry(throttle: Throttle, signal = forever): { bytes: number; grants: number } {
  const got = { bytes: 0, grants: 0 };
  void (async () => {
    for (;;) {
      const granted = await throttle.take(1024 * 1024, signal);
      if (granted === 0) return;
      got.bytes += granted;
      got.grants += 1;
      // Without a limit this would never let anybody else have a turn.
      await setImmediate();
    }
  })();
  return got;
}

for (const rate of [1000, 50_000, 3 * MB, 200 * MB]) {
  test(`in ten seconds ten times the rate of ${rate} bytes per second is granted, to several together`, async (t) => {
    const { throttle, clock } = throttleAt(rate);
    const takers = [hungry(throttle), hungry(throttle), hungry(throttle)];
    await clock.pass(10_000);
    const granted = takers.reduce((sum, { bytes }) => sum + bytes, 0);
    // The last grant may be ahead of its time.
    const largest = Math.max(4096, rate / 10);
    t.true(Math.abs(granted - 10 * rate) <= largest + 0.01 * 10 * rate, `${granted}`);
    const shares = takers.map(({ grants }) => grants);
    t.true(Math.max(...shares) - Math.min(...shares) <= 1, shares.join(', '));
  });
}

test('without a limit all that is wanted is granted at once', async (t) => {
  const { throttle } = throttleAt(null);
  t.is(await throttle.take(123_456_789, forever), 123_456_789);
  t.is(throttle.limited[0], 0);
});

test('a limit that is lowered, raised and removed holds at once, also for who waits', async (t) => {
  const { throttle, clock } = throttleAt(10 * MB);
  const taker = hungry(throttle);
  const during = async (ms: number): Promise<number> => {
    const before = taker.bytes;
    await clock.pass(ms);
    return taker.bytes - before;
  };
  await clock.pass(1000);
  throttle.rate = MB;
  const slow = await during(10_000);
  t.true(slow < 11 * MB && slow > 8 * MB, `${slow}`);
  throttle.rate = 1000;
  await clock.pass(1);
  throttle.rate = 20 * MB;
  const fast = await during(5000);
  t.true(fast > 95 * MB && fast < 105 * MB, `${fast}`);
  throttle.rate = 1000;
  await clock.pass(100);
  const before = taker.grants;
  throttle.rate = null;
  for (let turn = 0; turn < 3; turn += 1) await setImmediate();
  t.true(taker.grants > before, 'it waits no more, though no time has passed');
  throttle.rate = 1000;
});

test('what was not used for a long time is not made up for', async (t) => {
  const { throttle, clock } = throttleAt(MB);
  await clock.pass(60_000);
  const taker = hungry(throttle);
  await clock.pass(1000);
  t.true(taker.bytes <= 1.4 * MB, `${taker.bytes}`);
});

test('who gives up gets nothing and holds nobody up', async (t) => {
  const { throttle, clock } = throttleAt(1000);
  await throttle.take(4096, forever);
  const leaving = new AbortController();
  const first = throttle.take(4096, leaving.signal);
  const second = throttle.take(4096, forever);
  leaving.abort();
  t.is(await first, 0);
  t.is(await throttle.take(4096, leaving.signal), 0);
  await clock.pass(4096);
  t.is(await second, 4096);
  t.is(clock.sleeping, 0);
});

test('a clock that is set back by an hour costs no more than the wait that was due', async (t) => {
  const { throttle, clock } = throttleAt(MB);
  const taker = hungry(throttle);
  await clock.pass(1000);
  const before = taker.bytes;
  clock.set(clock.now() - 3_600_000);
  await clock.pass(2000);
  t.true(taker.bytes - before >= 1.7 * MB, `${taker.bytes - before}`);
});
