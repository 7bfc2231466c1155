import type { CopyPool } from './copy-pool.ts';
import type { TransferOptions } from './storage.ts';
import { lstatOrNull } from './walk-folder.ts';

/** True when a file is at `path` already with what is to be brought there. It is read where its size fits. */
export async function isSameFile(
  pool: CopyPool,
  path: string,
  { size, sha256 }: { size: number; sha256: string },
  options?: TransferOptions,
): Promise<boolean> {
  const found = await lstatOrNull(path);
  if (!found?.isFile() || found.size !== size) return false;
  const result = await pool.run({ source: path, target: null, expected: { size, sha256 } }, options);
  return result.outcome === 'done';
}
