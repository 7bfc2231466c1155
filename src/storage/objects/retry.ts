import type { Clock } from '../../clock.ts';
import { OperatorError } from '../../errors.ts';
import type { Failure, ObjectStore } from './object-store.ts';
import { ShortRead, watched, type Try } from './watch.ts';

/** How long a store that is busy or far away is waited for. */
export interface Patience {
  /** Tries in all. */
  attempts: number;
  /** A store that wants to be left alone for longer (ms) is given up. */
  longestWaitMs: number;
  /** A request that is not answered for longer (ms) is given up. */
  answerMs: number;
}

/** For work that goes on in the background: about a minute and a half. To put a large object together takes a store minutes. */
export const PATIENT: Patience = { attempts: 10, longestWaitMs: 300_000, answerMs: 600_000 };
/** Somebody waits for the answer. */
export const HASTY: Patience = { attempts: 2, longestWaitMs: 2_000, answerMs: 20_000 };
/** The work has been ended, and this is the last of it. */
export const LAST: Patience = { attempts: 1, longestWaitMs: 0, answerMs: 2_000 };

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 20_000;

/** Whom requests are sent to, and how they are tried again. */
export interface Tries {
  store: Pick<ObjectStore, 'explain'>;
  clock: Clock;
  patience: Patience;
}

/** Not a failure of a request, but what was found by it: passes all tries as it is. */
export class Finding extends Error {}

/**
 * The one policy for all kinds of stores: what may pass is tried again, later and later, with jitter, or when the store says; everything else
 * fails at once. Throws what `explain` makes of the last failure. `operation` in lower case: `storing c/n/b/file`. `silenceMs`: a try in which nothing
 * has moved for so long is given up.
 */
export async function attempt<T>(
  tries: Tries,
  operation: string,
  act: (one: Try) => Promise<T>,
  signal?: AbortSignal,
  silenceMs = tries.patience.answerMs,
): Promise<T> {
  const { clock, patience } = tries;
  for (let count = 1; ; count += 1) {
    try {
      return await watched({ clock, silenceMs, signal }, act);
    } catch (error) {
      signal?.throwIfAborted();
      const failure = failureOf(tries, operation, error);
      const wait = count < patience.attempts ? waitAfter(failure, count, patience) : null;
      if (wait === null) throw failure.error;
      await clock.sleep(wait, signal);
    }
  }
}

/** How long to wait before the next try, in ms; null for none. */
function waitAfter({ passing, retryAfterMs }: Failure, count: number, { longestWaitMs }: Patience): number | null {
  if (!passing) return null;
  if (retryAfterMs !== null) return retryAfterMs > longestWaitMs ? null : retryAfterMs;
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** count);
  return longest * (0.5 + Math.random() / 2);
}

function failureOf({ store }: Tries, operation: string, error: unknown): Failure {
  if (error instanceof OperatorError || error instanceof Finding) return { error, passing: false, retryAfterMs: null };
  if (!(error instanceof ShortRead)) return store.explain(error, operation);
  const said = new OperatorError('STORAGE_UNAVAILABLE', `${operation}: ${error.message}`, {
    cause: error,
    hint: 'The connection broke, each time: check the network and proxies.',
  });
  return { error: said, passing: true, retryAfterMs: null };
}
