import { OperatorError } from '../errors.ts';
import type { NodeManifest } from '../model/backup.ts';
import { fileKey } from '../storage/layout.ts';
import type { StepContext } from './step-context.ts';

/** How many bad files are named; of more there is the number. */
const NAMED = 20;

/**
 * Holds the manifest against what lies at the location: every file is there with its size. Files that it does not name
 * are no damage: an attempt that was interrupted leaves them. Throws BACKUP_DAMAGED.
 */
export async function checkFiles(
  { request, storage, signal }: Pick<StepContext, 'request' | 'storage' | 'signal'>,
  manifest: NodeManifest,
): Promise<void> {
  const { cluster, backupName } = request;
  const expected = new Map(
    manifest.files.map((file) => [
      file.source ?? fileKey(cluster, manifest.executorId, backupName, file.path),
      file.size,
    ]),
  );
  const found = new Map<string, number>();
  for (const folder of new Set([...expected.keys()].map(nodeBackupFolder))) {
    signal.throwIfAborted();
    for await (const { key, size } of storage.list(folder)) if (expected.has(key)) found.set(key, size);
  }
  const bad = [...expected].flatMap(([key, size]) => {
    const got = found.get(key);
    if (got === size) return [];
    return [got === undefined ? `${key} is missing` : `${key} has ${got} bytes instead of ${size}`];
  });
  if (bad.length === 0) return;
  const more = bad.length > NAMED ? ` and ${bad.length - NAMED} more` : '';
  throw new OperatorError(
    'BACKUP_DAMAGED',
    `${bad.length} of ${expected.size} files of ${manifest.executorId} are damaged: ${bad.slice(0, NAMED).join(', ')}${more}`,
    { hint: 'Restore another backup, or put the right files there.' },
  );
}

/** `<cluster>/<executorId>/<name>/` of a key: a file's bytes may lie in an earlier backup. */
function nodeBackupFolder(key: string): string {
  return `${key.split('/').slice(0, 3).join('/')}/`;
}
