import {
  checkSnapshot,
  findOwnSnapshots,
  scanSnapshot,
  snapshotTag,
  type SnapshotTable,
} from '../cassandra/snapshots.ts';
import type { TableSchema } from '../cassandra/schema.ts';
import { isRetryable, messageOf, OperatorError, wrapError } from '../errors.ts';
import type { StepContext } from './step-context.ts';

/** Clearing must also happen when the step was killed, so it does not listen to the step's signal. */
const CLEAR_TIMEOUT_MS = 30_000;

/**
 * A keyspace that Cassandra refuses (not one that it is gone for) fails the step while there may be another attempt;
 * after this one the step goes on without that keyspace, so that the others are not lost with it.
 */
const LAST_WHOLE_ATTEMPT = 2;

/**
 * The failure to end the step with after all keyspaces had their turn; null when what is good is to be kept. Where one
 * failure is final, another attempt would only meet it again.
 */
export function decidingFailure(
  { request }: Pick<StepContext, 'request'>,
  failures: readonly unknown[],
  turns: number,
): unknown {
  const isWorthAnother = failures.every((error) => mayTryAgain({ request }, error));
  return isWorthAnother || failures.length === turns ? (failures[0] ?? null) : null;
}

export function mayTryAgain({ request }: Pick<StepContext, 'request'>, error: unknown): boolean {
  return error instanceof OperatorError && isRetryable(error.code) && request.attempt <= LAST_WHOLE_ATTEMPT;
}

/** Name of this job's snapshot on the node. */
export function ownTag({ request }: Pick<StepContext, 'request'>): string {
  return snapshotTag(request.backupName, request.jobUuid);
}

/** Takes this job's snapshot of a keyspace. One that an earlier attempt left is older: it is replaced. */
export async function takeOwnSnapshot(context: StepContext, keyspace: string): Promise<void> {
  const { node, signal, dataDirectories } = context;
  const tag = ownTag(context);
  const left = await scanSnapshot(dataDirectories, keyspace, tag);
  if (left.length > 0) await node.clearSnapshot(tag, [keyspace], signal);
  await node.takeSnapshot(tag, keyspace, signal);
}

/** What the snapshot holds of the given live tables. Throws SNAPSHOT_FAILED when it is not whole. */
export async function readOwnSnapshot(
  context: StepContext,
  keyspace: string,
  tables: readonly TableSchema[],
): Promise<SnapshotTable[]> {
  const scan = await scanSnapshot(context.dataDirectories, keyspace, ownTag(context));
  checkSnapshot(
    scan,
    tables.map(({ table, id }) => ({ table, id })),
  );
  const ids = new Set(tables.map((table) => table.id.replaceAll('-', '')));
  return scan.filter((entry) => ids.has(entry.id));
}

/**
 * Removes this job's snapshot of a keyspace, whatever became of the keyspace. That it failed is an error of its own; a
 * dead Cassandra's snapshots are swept before it starts again.
 */
export async function clearOwnSnapshot(context: StepContext, keyspace: string): Promise<void> {
  const { node, reporter, signal, log } = context;
  try {
    await node.clearSnapshot(ownTag(context), [keyspace], AbortSignal.timeout(CLEAR_TIMEOUT_MS));
  } catch (error) {
    if (isCassandraGone(signal)) {
      log.warn({ keyspace, reason: messageOf(error) }, 'snapshot stays until Cassandra starts again');
      return;
    }
    reporter.error(wrapError(`clear snapshot ${ownTag(context)} of ${keyspace}`, error, 'CASSANDRA_ERROR'), keyspace);
  }
}

/** Clears what jobs of before have left on the node. */
export async function sweepSnapshots(context: StepContext): Promise<void> {
  const { dataDirectories, node, reporter, request, signal } = context;
  for (const tag of await findOwnSnapshots(dataDirectories)) {
    if (tag.endsWith(request.jobUuid)) continue;
    try {
      await node.clearSnapshot(tag, undefined, signal);
    } catch (error) {
      signal.throwIfAborted();
      reporter.error(wrapError(`clear left-over snapshot ${tag}`, error, 'CASSANDRA_ERROR'));
    }
  }
}

function isCassandraGone(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof OperatorError && signal.reason.code === 'CASSANDRA_UNAVAILABLE';
}
