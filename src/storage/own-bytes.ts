import { nodeKey } from './layout.ts';
import { References } from './references.ts';
import type { Storage } from './storage.ts';

/** Bytes that no other backup of the cluster holds: what the deletion of this one alone would free. Looks at every file, one at a time. */
export async function ownBytes(
  storage: Storage,
  cluster: string,
  { name, nodes }: { name: string; nodes: readonly string[] },
  signal: AbortSignal,
): Promise<number> {
  const shared = await new References(storage, cluster).into(name, signal);
  let bytes = 0;
  for (const executorId of nodes)
    bytes += await storage.ownBytes(`${nodeKey(cluster, executorId, name)}/`, { signal, shared });
  return bytes;
}
