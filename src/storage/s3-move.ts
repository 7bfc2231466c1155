import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { OperatorError } from '../errors.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { aborting, type S3Object } from './s3-object.ts';
import type { Storage } from './storage.ts';

const GIB = 1024 ** 3;

/** Amazon copies no more by one request. */
const MOST_COPIED = 5 * GIB;
const COPIED_PART = GIB;

const AT_ONCE = 8;

/**
 * Gives everything below a prefix another one. All is copied before anything is deleted, so that a move that was cut short shows by what is
 * where: more than at the target lies at the source, or the other way round. Throws NAME_TAKEN where neither holds.
 */
export async function moveObjects(
  bucket: S3Bucket,
  storage: Pick<Storage, 'list' | 'deleteFolder'>,
  { from, to }: { from: string; to: string },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const source = await sizesBelow(storage, from);
  if (source.size === 0) return false;
  const target = await sizesBelow(storage, to);
  const missing = [...source.keys()].filter((name) => !target.has(name));
  const isOther = [...target].some(([name, size]) =>
    source.has(name) ? source.get(name) !== size : missing.length > 0,
  );
  if (isOther) throw new OperatorError('NAME_TAKEN', `expected nothing at ${to}, but something is there`);
  const left = missing.values();
  const lane = async (): Promise<void> => {
    for (const name of left) {
      signal?.throwIfAborted();
      const operation = `moving ${from}${name} to ${to}`;
      await bucket.attempt(operation, () =>
        copyObject(bucket.object(from + name), bucket.object(to + name), source.get(name) ?? 0, signal),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  await storage.deleteFolder(from, signal === undefined ? {} : { signal });
  return true;
}

async function sizesBelow(storage: Pick<Storage, 'list'>, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of storage.list(prefix)) sizes.set(key.slice(prefix.length), size);
  return sizes;
}

async function copyObject(
  from: S3Object,
  { client, bucket: Bucket, key: Key }: S3Object,
  size: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const abort = aborting(signal === undefined ? {} : { signal });
  const CopySource = `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}`;
  if (size <= MOST_COPIED) {
    await client.send(new CopyObjectCommand({ Bucket, Key, CopySource }), abort);
    return;
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }), abort);
  const multipart = { Bucket, Key, UploadId };
  try {
    const Parts: CompletedPart[] = [];
    for (let begin = 0; begin < size; begin += COPIED_PART) {
      const PartNumber = Parts.length + 1;
      const CopySourceRange = `bytes=${begin}-${Math.min(begin + COPIED_PART, size) - 1}`;
      const part = new UploadPartCopyCommand({ ...multipart, CopySource, CopySourceRange, PartNumber });
      const { CopyPartResult } = await client.send(part, abort);
      Parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...multipart, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(multipart));
    throw error;
  }
}
