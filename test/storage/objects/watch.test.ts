import test from 'ava';
import { OperatorError } from '../../../src/errors.ts';
import { ShortRead, watched, type Try } from '../../../src/storage/objects/watch.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const never = (): Promise<never> => new Promise(() => undefined);

test('what takes no notice of its signal is left at once, with the reason', async (t) => {
  const clock = new HandClock();
  const controller = new AbortController();
  const reason = new OperatorError('ABORTED', 'enough');
  const left = t.throwsAsync(watched({ clock, silenceMs: 1000, signal: controller.signal }, never));
  controller.abort(reason);
  t.is(await left, reason);
  t.is(clock.sleeping, 0);
  let begun = false;
  const late = watched({ clock, silenceMs: 1000, signal: controller.signal }, async () => (begun = true));
  t.is(await t.throwsAsync(late), reason);
  t.false(begun);
});

test('silence is counted from what came last', async (t) => {
  const clock = new HandClock();
  let one: Try | undefined;
  let ended = false;
  const act = (given: Try): Promise<never> => {
    one = given;
    return never();
  };
  const left = t.throwsAsync(watched({ clock, silenceMs: 1000, signal: undefined }, act), { instanceOf: ShortRead });
  void left.then(() => (ended = true));
  await clock.pass(900);
  one?.moved();
  await clock.pass(900);
  t.false(ended);
  t.false(one?.signal.aborted);
  await clock.pass(100);
  t.regex((await left)?.message ?? '', /nothing came for 1 s/);
  t.true(one?.signal.aborted, 'who was silent is told to end');
});

test('what has ended is not aborted, and nobody watches it any more', async (t) => {
  const clock = new HandClock();
  const controller = new AbortController();
  let signal: AbortSignal | undefined;
  const done = watched({ clock, silenceMs: 1000, signal: controller.signal }, async (one) => {
    signal = one.signal;
    return 'done';
  });
  t.is(await done, 'done');
  t.is(clock.sleeping, 0);
  controller.abort();
  t.false(signal?.aborted, 'its connection may serve others by now');
});
