import { OperatorError } from '../errors.ts';
import { proveWritable } from '../storage/preflight.ts';
import { refuseTooSmall } from './location-space.ts';
import { withHint } from './open-location.ts';
import type { NodeContext, StepContext } from './step-context.ts';

/** For opening a location and all that is tried there. A file system or a store that hangs is told by then. */
const PREFLIGHT_MS = 20_000;

/** S3's own limit: requests of a host whose clock is further away are refused. */
const MOST_SKEW_MS = 15 * 60_000;
/** From here on something is wrong with a clock. */
const SKEW_MS = 60_000;

/**
 * Proves, before a snapshot is taken or a byte is read, that this node can write at the location. Throws what the storage says, CLOCK_SKEW, and
 * NO_SPACE where the node's data cannot have room there. A clock that is a little wrong is reported only.
 */
export async function nodePreflight(context: StepContext): Promise<void> {
  const { request, storage, hostname, clock, reporter, signal } = context;
  const aheadMs = await proveWritable(storage, request.cluster, () => clock.now());
  signal.throwIfAborted();
  const skew = clockSkew(aheadMs, hostname);
  if (Math.abs(aheadMs) > MOST_SKEW_MS) throw skew;
  if (Math.abs(aheadMs) > SKEW_MS) reporter.error(skew);
  await refuseTooSmall(context);
}

function clockSkew(aheadMs: number, hostname: string): OperatorError {
  const minutes = (Math.abs(aheadMs) / 60_000).toFixed(1);
  return new OperatorError(
    'CLOCK_SKEW',
    `the clock of ${hostname} is ${minutes} min ${aheadMs > 0 ? 'behind' : 'ahead of'} that of the location`,
    { hint: `Set the clock of ${hostname} by NTP, or that of the store where all nodes say the same.` },
  );
}

/**
 * Does the preflight to its end, or to its deadline, and lets its error say what to do: of a step's error the hint is not read. Where something
 * hangs it is not waited for; it ends by its signal as soon as it can.
 */
export async function promptly(
  { request, clock, signal }: NodeContext,
  preflight: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const deadline = async (): Promise<never> => {
    await clock.sleep(PREFLIGHT_MS, either);
    throw new OperatorError('TIMEOUT', `${request.location} did not answer within ${PREFLIGHT_MS / 1000} s`, {
      hint: 'Check the store, its file system, and the network between.',
    });
  };
  try {
    await Promise.race([preflight(either), deadline()]);
  } catch (error) {
    throw withHint(error);
  } finally {
    over.abort();
  }
}
