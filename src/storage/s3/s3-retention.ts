import {
  GetObjectLockConfigurationCommand,
  type HeadObjectCommandOutput,
  type ObjectLockRetention,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ObjectFacts } from '../objects/object-store.ts';
import { isNotAllowed, isRefused } from './s3-errors.ts';
import type { S3Location } from './s3-location.ts';
import { lockOf, type S3Protection } from './s3-protection.ts';

/** What an answer to HEAD says, to those who may see it, of how long an object is retained. */
export function retentionOf(head: HeadObjectCommandOutput): Pick<ObjectFacts, 'retainedUntil'> {
  if (head.ObjectLockLegalHoldStatus === 'ON') return { retainedUntil: Infinity };
  const until = head.ObjectLockMode && head.ObjectLockRetainUntilDate;
  return until ? { retainedUntil: until.getTime() } : {};
}

/** Only a bucket with object lock retains anything. One that does not say is believed to do what the location asks of it. */
export async function mayRetain(
  client: S3Client,
  { bucket: Bucket, protection }: S3Location,
  signal: AbortSignal,
): Promise<boolean> {
  if (protection.objectLock !== undefined) return true;
  try {
    const command = new GetObjectLockConfigurationCommand({ Bucket });
    const { ObjectLockConfiguration } = await client.send(command, { abortSignal: signal });
    return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  } catch (error) {
    // There is none, the store knows no such thing, or these credentials may not see it.
    if (isRefused(error) || isNotAllowed(error)) return false;
    throw error;
  }
}

/** The retention of an object that is there, as if it were put now; null where it is retained for as long already. `now`: epoch ms. */
export function renewedRetention(
  protection: S3Protection,
  { retainedUntil = 0 }: Pick<ObjectFacts, 'retainedUntil'>,
  now: number,
): ObjectLockRetention | null {
  const lock = lockOf(protection, now);
  if (lock === null || retainedUntil >= lock.ObjectLockRetainUntilDate.getTime()) return null;
  return { Mode: lock.ObjectLockMode, RetainUntilDate: lock.ObjectLockRetainUntilDate };
}
