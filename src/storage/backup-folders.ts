import { isBackupName } from '../model/backup-name.ts';
import { nodeFolders } from './layout.ts';
import type { Storage } from './storage.ts';

/** What lay directly below each prefix when it was last listed, and in which version. Whoever asks again keeps it. */
export type FolderCache = Map<string, { version: string; names: string[] }>;

/** Folders that are looked at together. */
const AT_ONCE = 16;

/** Executor ids under which there is a folder, by the backup's name. Lists only nodes' folders that have changed since. */
export async function backupFolders(
  storage: Storage,
  cluster: string,
  cache: FolderCache,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const executorIds = nodeFolders(await storage.folders(`${cluster}/`));
  const prefixes = new Set(executorIds.map((executorId) => `${cluster}/${executorId}/`));
  for (const prefix of cache.keys()) if (!prefixes.has(prefix)) cache.delete(prefix);
  for (let begin = 0; begin < executorIds.length; begin += AT_ONCE) {
    const some = executorIds.slice(begin, begin + AT_ONCE);
    const listed = await Promise.all(some.map((id) => namesBelow(storage, `${cluster}/${id}/`, cache)));
    for (const [index, executorId] of some.entries()) {
      for (const name of listed[index] ?? []) {
        const nodes = found.get(name);
        if (nodes === undefined) found.set(name, [executorId]);
        else nodes.push(executorId);
      }
    }
  }
  return found;
}

async function namesBelow(storage: Storage, prefix: string, cache: FolderCache): Promise<string[]> {
  // The version from before: what comes while the folder is listed makes another one.
  const version = await storage.foldersVersion(prefix);
  const known = cache.get(prefix);
  if (known !== undefined && known.version === version) return known.names;
  const names = (await storage.folders(prefix)).filter(isBackupName);
  if (version === null) cache.delete(prefix);
  else cache.set(prefix, { version, names });
  return names;
}
