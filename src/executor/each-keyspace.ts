import { messageOf, OperatorError } from '../errors.ts';
import type { StepContext } from './step-context.ts';

/** What no other keyspace would escape either: going on would only repeat it. */
const NODE_LEVEL = new Set([
  'ABORTED',
  'CASSANDRA_UNAVAILABLE',
  'NODE_DOWN',
  'TIMEOUT',
  'TASK_LOST',
  'NO_SPACE',
  'STORAGE_FAILED',
]);

/**
 * Does `work` for one keyspace after the other. A keyspace that fails is reported and the next one has its turn; what
 * concerns the node as a whole ends the step at once, and the keyspaces that had no turn stay in `remainingKeyspaces`.
 * Returns the failures.
 */
export async function eachKeyspace(
  { reporter, signal, log }: Pick<StepContext, 'reporter' | 'signal' | 'log'>,
  keyspaces: readonly string[],
  work: (keyspace: string) => Promise<void>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const keyspace of keyspaces) {
    signal.throwIfAborted();
    reporter.begin(keyspace);
    try {
      await work(keyspace);
      reporter.succeeded(keyspace);
    } catch (thrown) {
      const error: unknown = signal.aborted ? signal.reason : thrown;
      reporter.failed(keyspace, error);
      log.warn({ keyspace, reason: messageOf(error) }, 'keyspace failed');
      if (isNodeLevel(error)) throw error;
      failures.push(error);
    }
  }
  return failures;
}

function isNodeLevel(error: unknown): boolean {
  return error instanceof OperatorError && NODE_LEVEL.has(error.code);
}
