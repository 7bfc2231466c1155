import {
  GetObjectLockConfigurationCommand,
  type HeadObjectCommandOutput,
  type ObjectLockRetention,
  type S3Client,
} from '@aws-sdk/client-s3';
import { OperatorError } from '../../errors.ts';
import type { ObjectFacts } from '../objects/object-store.ts';
import { isNotAllowed, isRefused } from './s3-errors.ts';
import type { S3Location } from './s3-location.ts';
import { aborting } from './s3-request.ts';
import { lockOf, type S3Protection } from './s3-protection.ts';

/** What an answer to HEAD says, to those who may see it, of how long an object is retained. */
export function retentionOf(head: HeadObjectCommandOutput): Pick<ObjectFacts, 'retainedUntil'> {
  if (head.ObjectLockLegalHoldStatus === 'ON') return { retainedUntil: Infinity };
  const until = head.ObjectLockMode && head.ObjectLockRetainUntilDate;
  return until ? { retainedUntil: until.getTime() } : {};
}

/**
 * Finds out before anything is sent that files are going to be put under a lock that the bucket has not. Throws STORAGE_FAILED. What these
 * credentials may not see is found out by the first file.
 */
export async function checkLock(
  client: S3Client,
  location: S3Location,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { bucket, protection } = location;
  if (protection.objectLock === undefined || (await hasLock(client, bucket, signal)) !== false) return;
  throw new OperatorError(
    'STORAGE_FAILED',
    `Expected the bucket ${bucket} to have object lock, as objectLock wants it`,
    {
      hint: 'Switch object lock on for the bucket (with versions), or leave objectLock and objectLockDays out of the location.',
    },
  );
}

/** Only a bucket with object lock retains anything. One that does not say is believed to do what the location asks of it. */
export async function mayRetain(
  client: S3Client,
  { bucket, protection }: S3Location,
  signal: AbortSignal,
): Promise<boolean> {
  return protection.objectLock !== undefined || (await hasLock(client, bucket, signal)) === true;
}

/** Null: the store does not know, or does not tell these credentials. */
async function hasLock(client: S3Client, Bucket: string, signal: AbortSignal | undefined): Promise<boolean | null> {
  try {
    const command = new GetObjectLockConfigurationCommand({ Bucket });
    const { ObjectLockConfiguration } = await client.send(command, aborting(signal));
    return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  } catch (error) {
    if (isNotAllowed(error)) return null;
    if (isRefused(error)) return false;
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
