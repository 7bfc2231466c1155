import type { ObjectLockMode, PutObjectCommandInput } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { isFileKey, isProbe } from '../layout.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const flag = z.enum(['true', 'false'], { error: 'true or false' }).transform((value) => value === 'true');

/** These have to be brought back for hours before they can be read. */
const ARCHIVES = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** By Amazon's rules, but for the comma, which parts tags, and the colon, which parts a key from its value. */
const TAGS = /^[\p{L}\p{N} +\-=._/@]{1,128}:[\p{L}\p{N} +\-=._/@:]{0,256}$/u;

/** The options of a location's query that say how objects are kept. */
export const protectionShape = {
  sse: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse'], { error: 'AES256, aws:kms or aws:kms:dsse' }).optional(),
  kmsKey: z
    .string()
    .regex(/^[\w:/.@-]{1,2048}$/, 'the id, ARN or alias of a key of KMS')
    .optional(),
  bucketKey: flag.optional(),
  storageClass: z
    .string()
    .regex(/^[A-Z][A-Z0-9_-]{0,63}$/i, 'a storage class such as STANDARD_IA')
    .refine((value) => !ARCHIVES.has(value), 'a class whose objects can be read at once, such as GLACIER_IR')
    .optional(),
  tags: z
    .string()
    .refine(
      (value) => value.split(',').length <= 10 && value.split(',').every((tag) => TAGS.test(tag)),
      'at most 10 of key:value, with a comma in between',
    )
    .optional(),
  acl: z
    .enum(['private', 'bucket-owner-read', 'bucket-owner-full-control'], {
      error: 'private, bucket-owner-read or bucket-owner-full-control',
    })
    .optional(),
  objectLock: z.enum(['GOVERNANCE', 'COMPLIANCE'], { error: 'GOVERNANCE or COMPLIANCE' }).optional(),
  objectLockDays: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'a number of days from 1 to 36500')
    .transform(Number)
    .refine((days) => days <= 36_500, 'a number of days from 1 to 36500')
    .optional(),
};

/** What a location says of how objects are kept. */
export type S3Protection = { [Name in keyof typeof protectionShape]?: z.output<(typeof protectionShape)[Name]> };

/** What does not fit together, in words; null when all does. */
export function protectionProblem({ sse, kmsKey, bucketKey, objectLock, objectLockDays }: S3Protection): string | null {
  if (kmsKey !== undefined && (sse ?? 'AES256') === 'AES256') return 'sse=aws:kms with kmsKey';
  if (bucketKey && sse !== 'aws:kms') return 'sse=aws:kms with bucketKey';
  if (objectLock !== undefined && objectLockDays === undefined) return 'objectLockDays=… with objectLock';
  if (objectLock === undefined && objectLockDays !== undefined) return 'objectLock=… with objectLockDays';
  return null;
}

/** Fields of the requests that make an object. */
export type Written = Pick<
  PutObjectCommandInput,
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
  | 'BucketKeyEnabled'
  | 'StorageClass'
  | 'Tagging'
  | 'ACL'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
>;

/**
 * What goes with a request that makes an object. Only the files of backups are locked, and of the storage class: documents such as the lock of the
 * location are replaced and deleted all the time, which cheap classes charge for. `now`: epoch ms.
 */
export function writtenWith(protection: S3Protection, key: string, now: number): Written {
  const { sse, kmsKey, bucketKey, storageClass, tags, acl } = protection;
  const isFile = isFileKey(key);
  // A probe finds out whether there is such a class.
  const isOfClass = isFile || isProbe(key);
  return {
    ...(sse && { ServerSideEncryption: sse }),
    ...(kmsKey && { SSEKMSKeyId: kmsKey }),
    ...(bucketKey && { BucketKeyEnabled: true }),
    ...(storageClass && isOfClass && { StorageClass: storageClass as NonNullable<Written['StorageClass']> }),
    ...(tags && { Tagging: tagging(tags) }),
    ...(acl && { ACL: acl }),
    ...(isFile && lockOf(protection, now)),
  };
}

/** Under which lock an object is put at that time; null for none. */
export function lockOf(
  { objectLock, objectLockDays = 0 }: S3Protection,
  now: number,
): { ObjectLockMode: ObjectLockMode; ObjectLockRetainUntilDate: Date } | null {
  if (objectLock === undefined) return null;
  // In whole seconds: the store knows no others.
  const until = Math.ceil((now + objectLockDays * DAY_MS) / 1000) * 1000;
  return { ObjectLockMode: objectLock, ObjectLockRetainUntilDate: new Date(until) };
}

/** As a query. */
function tagging(tags: string): string {
  return tags
    .split(',')
    .map((tag) =>
      tag.replace(
        /^([^:]*):(.*)$/s,
        (_, key: string, value: string) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`,
      ),
    )
    .join('&');
}
