import type { Clock } from '../../clock.ts';
import { OperatorError } from '../../errors.ts';
import type { ObjectStore } from './object-store.ts';

/** How long a store that is busy or far away is waited for. */
export interface Patience {
  /** Tries in all. */
  attempts: number;
  /** A store that wants to be left alone for longer (ms) is given up. */
  longestWaitMs: number;
}

/** For work that goes on in the background: about a minute and a half. */
export const PATIENT: Patience = { attempts: 10, longestWaitMs: 300_000 };
/** Somebody waits for the answer. */
export const HASTY: Patience = { attempts: 2, longestWaitMs: 2_000 };

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 20_000;

/** Whom requests are sent to, and how they are tried again. */
export interface Tries {
  store: Pick<ObjectStore, 'explain'>;
  clock: Clock;
  patience: Patience;
}

/** The connection ended before the answer did, or the answer is not what was asked for. */
export class ShortRead extends Error {}

/** Not a failure of a request, but what was found by it: passes all tries as it is. */
export class Finding extends Error {}

/**
 * The one policy for all kinds of stores: what may pass is tried again, later and later, with jitter, or when the store says; everything else
 * fails at once. Throws what `explain` makes of the last failure. `operation` in lower case: `storing c/n/b/file`.
 */
export async function attempt<T>(
  { store, clock, patience }: Tries,
  operation: string,
  act: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      signal?.throwIfAborted();
      return await act();
    } catch (error) {
      signal?.throwIfAborted();
      const wait = waitAfter(error, tries);
      if (wait === null) throw explained(error);
      await clock.sleep(wait, signal);
    }
  }

  /** How long to wait before the next try, in ms; null for none. */
  function waitAfter(error: unknown, tries: number): number | null {
    const { passing, retryAfterMs } = failureOf(error);
    if (!passing || tries >= patience.attempts) return null;
    if (retryAfterMs !== null) return retryAfterMs > patience.longestWaitMs ? null : retryAfterMs;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
    return longest * (0.5 + Math.random() / 2);
  }

  function explained(error: unknown): unknown {
    return failureOf(error).error;
  }

  function failureOf(error: unknown): ReturnType<ObjectStore['explain']> {
    if (error instanceof OperatorError || error instanceof Finding)
      return { error, passing: false, retryAfterMs: null };
    if (!(error instanceof ShortRead)) return store.explain(error, operation);
    const said = new OperatorError('STORAGE_UNAVAILABLE', `${operation}: ${error.message}`, {
      cause: error,
      hint: 'The connection broke, each time: check the network and proxies.',
    });
    return { error: said, passing: true, retryAfterMs: null };
  }
}
