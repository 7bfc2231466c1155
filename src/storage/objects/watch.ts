import type { Clock } from '../../clock.ts';

/** The connection ended before the answer did, or the answer is not what was asked for. */
export class ShortRead extends Error {}

/** Told to who watches, once there is nothing to watch: without a reason each abort makes an exception of its own. */
const ENDED = new Error('it has ended');

/** One try of a request. */
export interface Try {
  /** Ends it. */
  signal: AbortSignal;
  /** To be called whenever something of the answer has come. */
  moved: () => void;
}

/**
 * Does something that is given up, with a ShortRead, when nothing has moved for so long (ms). Ends at once with the signal's reason, whether or not
 * what is done heeds its own signal.
 */
export async function watched<T>(
  { clock, silenceMs, signal }: { clock: Clock; silenceMs: number; signal: AbortSignal | undefined },
  act: (one: Try) => Promise<T>,
): Promise<T> {
  const trying = new AbortController();
  // Only what ended too early is aborted: a connection that has served may serve again.
  const watching = new AbortController();
  let last = clock.now();
  const giveUp = (reason: unknown): void => {
    trying.abort(reason);
    watching.abort(reason);
  };
  const onAbort = (): void => giveUp(signal?.reason);
  const silence = async (): Promise<never> => {
    for (let left = silenceMs; left > 0; left = last + silenceMs - clock.now())
      await clock.sleep(left, watching.signal);
    const error = new ShortRead(`nothing came for ${silenceMs / 1000} s`);
    giveUp(error);
    throw error;
  };
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([act({ signal: trying.signal, moved: () => (last = clock.now()) }), silence()]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    watching.abort(ENDED);
  }
}

/** A signal that ends when the given one does, and can be ended. */
export function endable(signal: AbortSignal | undefined): { signal: AbortSignal; end: (reason: unknown) => void } {
  const own = new AbortController();
  return {
    signal: signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]),
    end: (reason) => own.abort(reason),
  };
}
