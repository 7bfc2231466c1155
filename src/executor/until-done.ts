import { OperatorError } from '../errors.ts';
import type { NodeContext } from './step-context.ts';

const POLL_MS = 1_000;
const TIMEOUT_MS = 7 * 24 * 60 * 60_000;

/** An act that Cassandra goes on with whoever waits for it. */
export interface LongAct {
  isDone: () => Promise<boolean>;
  isRunning: () => Promise<boolean>;
  /** Begins it, and returns when it is done. */
  begin: () => Promise<void>;
  /** What to throw when it was running and is not any more, and is not done. */
  gaveUp: () => OperatorError;
}

/** Brings a long act to its end, also one that an earlier attempt began. Throws what `begin` throws where nothing was begun. */
export async function untilDone(
  { clock, signal }: Pick<NodeContext, 'clock' | 'signal'>,
  { isDone, isRunning, begin, gaveUp }: LongAct,
): Promise<void> {
  const deadline = clock.now() + TIMEOUT_MS;
  if (await isDone()) return;
  if (!(await isRunning())) {
    try {
      await begin();
    } catch (error) {
      // The answer may have been lost while the act goes on.
      if (signal.aborted || !((await isRunning()) || (await isDone()))) throw error;
    }
  }
  while (await isRunning()) {
    if (clock.now() > deadline) throw new OperatorError('TIMEOUT', 'Cassandra has not come to an end within a week');
    await clock.sleep(POLL_MS, signal);
  }
  if (!(await isDone())) throw gaveUp();
}
