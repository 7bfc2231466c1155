import type { Clock } from '../clock.ts';

/** Node's timers hold no more (24 days); a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Runs `act` once after `ms`, unless the returned function or the signal calls it off. */
export function after(clock: Clock, ms: number, act: () => void, signal?: AbortSignal): () => void {
  const off = new AbortController();
  const either = signal ? AbortSignal.any([off.signal, signal]) : off.signal;
  clock.sleep(Math.min(ms, MAX_TIMER_MS), either).then(act, (error: unknown) => {
    if (!either.aborted) throw error;
  });
  return () => off.abort();
}
