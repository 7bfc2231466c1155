import { z } from 'zod';
import type { DeletionMarker, Verification } from '../model/backup.ts';
import { deletionKey, verificationKey } from './layout.ts';
import type { Storage } from './storage.ts';

const count = z.int().nonnegative();

const verificationSchema = z.object({
  version: z.literal(1),
  cluster: z.string(),
  name: z.string(),
  recordSha256: z.string(),
  when: count,
  deep: z.boolean(),
  result: z.enum(['SUCCESS', 'FAILURE']),
  damagedFiles: count,
  damaged: z.array(z.object({ executorId: z.string().nullable(), path: z.string(), problem: z.string() })),
});

const markerSchema = z.object({
  version: z.literal(1),
  cluster: z.string(),
  name: z.string(),
  started: count,
  whole: z.boolean(),
  kept: z.exactOptional(count),
});

/**
 * What was found when this very record was last verified. Null when that never was, or when the finding cannot be read: every byte of a
 * restore is checked again anyway.
 */
export async function readVerification(
  storage: Pick<Storage, 'getDocument'>,
  cluster: string,
  name: string,
  recordSha256: string,
): Promise<Verification | null> {
  const text = await storage.getDocument(verificationKey(cluster, name));
  const found = text === null ? null : parsed(verificationSchema, text);
  return found?.cluster === cluster && found.name === name && found.recordSha256 === recordSha256 ? found : null;
}

/** What is known of a deletion that has begun; null when none has. A marker that cannot be read is one all the same. */
export async function readDeletion(
  storage: Pick<Storage, 'getDocument'>,
  cluster: string,
  name: string,
): Promise<DeletionMarker | null> {
  const text = await storage.getDocument(deletionKey(cluster, name));
  if (text === null) return null;
  return parsed(markerSchema, text) ?? { version: 1, cluster, name, started: 0, whole: false };
}

/** What is to be said of a backup whose deletion has begun. */
export function deletionMessage({ kept = 0 }: DeletionMarker): string {
  if (kept === 0) return 'its deletion has begun and is not at its end';
  return `it is deleted, but for ${kept} files that other backups refer to: they go with the last of these`;
}

function parsed<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // Both callers know what it means to have none.
    return null;
  }
}
