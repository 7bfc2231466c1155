import { systemClock, type Clock } from '../../../src/clock.ts';

/** For tests on broken wires: an answer that does not come is waited for in one second instead of ten. */
export const hurried: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(ms === 10_000 ? 1000 : ms, signal),
};
