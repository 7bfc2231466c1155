import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { OperatorError } from '../errors.ts';
import type { DirectRenaming } from '../cli/deps.ts';
import { checkGiven } from '../jobs/request-credentials.ts';
import type { RenameReport } from '../model/step.ts';
import { createCopyPool } from '../storage/copy-pool.ts';
import { openStorage } from '../storage/open.ts';
import { LocationLock } from '../storage/location-lock.ts';
import { planRenaming, renameExecutor, unfinishedRenaming, type Renaming } from '../storage/rename-executor.ts';
import type { Storage } from '../storage/storage.ts';

/** Renames at a location that this host sees, without a scheduler. Throws as renameExecutor does, and BACKUP_NOT_FOUND. */
export async function renameDirectly(
  { location, cluster: wanted, from, to, name, dryRun, credentials: given }: DirectRenaming,
  signal?: AbortSignal,
): Promise<RenameReport> {
  if (given) checkGiven(given, location);
  // Nothing is copied, so the pool's threads are never started.
  const pool = createCopyPool(1);
  try {
    const storage = await openStorage(location, {
      pool,
      baseDirectory: process.cwd(),
      create: false,
      env: process.env,
      given,
    });
    const cluster = wanted ?? (await clusterOf(storage, from));
    const renaming = { cluster, from, to, ...(name === undefined ? {} : { names: [name] }) };
    const report = dryRun ? await planRenaming(storage, renaming) : await renameLocked(storage, renaming, signal);
    if (report.backups.length > 0) return report;
    throw notFound(`No backup${name === undefined ? '' : ` ${name}`} of ${from} lies in ${location}/${cluster}`);
  } finally {
    await pool.close();
  }
}

/**
 * While a scheduler's job works there it is refused. Cut short, it can be run again on this host at once. Folders are renamed in much less time than
 * the hour after which a lock without a sign of life is nobody's, so that none is given.
 */
async function renameLocked(
  storage: Storage,
  renaming: Renaming,
  signal: AbortSignal | undefined,
): Promise<RenameReport> {
  const lock = await LocationLock.take(storage, renaming.cluster, {
    scheduler: `rename-executor on ${hostname()}`,
    jobUuid: randomUUID(),
    jobId: 0,
    jobType: 'RENAME',
    hostname: hostname(),
    since: Date.now(),
  });
  try {
    return await renameExecutor(storage, renaming, signal);
  } finally {
    await lock.release();
  }
}

/** The one cluster at the location that has such an executor, or has begun to rename it. */
async function clusterOf(storage: Storage, executorId: string): Promise<string> {
  const clusters: string[] = [];
  for (const cluster of await storage.folders('')) {
    const has = (await storage.folders(`${cluster}/`)).includes(executorId);
    if (has || (await unfinishedRenaming(storage, cluster))?.from === executorId) clusters.push(cluster);
  }
  const [only, ...others] = clusters;
  if (only === undefined) throw notFound(`No cluster at ${storage.url} has backups of ${executorId}`);
  if (others.length === 0) return only;
  throw new OperatorError(
    'BAD_REQUEST',
    `Expected --cluster, for several have backups of ${executorId}: ${clusters.join(', ')}`,
  );
}

function notFound(message: string): OperatorError {
  return new OperatorError('BACKUP_NOT_FOUND', message, {
    hint: 'Backups lie at <location>/<cluster>/<executor id>/<name>: look there for the ids that there are.',
  });
}
