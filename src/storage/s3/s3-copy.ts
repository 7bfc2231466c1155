import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Written } from './s3-protection.ts';
import { aborting } from './s3-request.ts';
import { abortUpload } from './s3-upload.ts';

const GIB = 1024 ** 3;

/** Bytes: Amazon copies no more by one request. */
const PIECES = { most: 5 * GIB, part: GIB };

interface Place {
  Bucket: string;
  Key: string;
}

/** Copies an object of that size (bytes) within the store. */
export async function copyObject(
  client: S3Client,
  { from, to, written, size }: { from: Place; to: Place; written: Written; size: number },
  signal: AbortSignal | undefined,
  { most, part } = PIECES,
): Promise<void> {
  const abort = aborting(signal);
  const CopySource = `${from.Bucket}/${from.Key.split('/').map(encodeURIComponent).join('/')}`;
  if (size <= most) {
    // Tags go along by themselves, unless others are given.
    const TaggingDirective = written.Tagging === undefined ? 'COPY' : 'REPLACE';
    await client.send(new CopyObjectCommand({ ...to, ...written, TaggingDirective, CopySource }), abort);
    return;
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...to, ...written }), abort);
  const multipart = { ...to, UploadId };
  try {
    const Parts: CompletedPart[] = [];
    for (let begin = 0; begin < size; begin += part) {
      const PartNumber = Parts.length + 1;
      const CopySourceRange = `bytes=${begin}-${Math.min(begin + part, size) - 1}`;
      const copy = new UploadPartCopyCommand({ ...multipart, CopySource, CopySourceRange, PartNumber });
      const { CopyPartResult } = await client.send(copy, abort);
      Parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...multipart, MultipartUpload: { Parts } }), abort);
  } catch (error) {
    // What went wrong first says more; an upload that stays is found by a sweep.
    await abortUpload(client, multipart).catch(() => undefined);
    throw error;
  }
}
