import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Written } from './s3-protection.ts';
import { aborting } from './s3-request.ts';

const GIB = 1024 ** 3;

/** Amazon copies no more by one request. */
const MOST_COPIED = 5 * GIB;
const COPIED_PART = GIB;

interface Place {
  Bucket: string;
  Key: string;
}

/** Copies an object of that size (bytes) within the store. */
export async function copyObject(
  client: S3Client,
  { from, to, written, size }: { from: Place; to: Place; written: Written; size: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const abort = aborting(signal);
  const CopySource = `${from.Bucket}/${from.Key.split('/').map(encodeURIComponent).join('/')}`;
  if (size <= MOST_COPIED) {
    // Tags go along by themselves, unless others are given.
    const TaggingDirective = written.Tagging === undefined ? 'COPY' : 'REPLACE';
    await client.send(new CopyObjectCommand({ ...to, ...written, TaggingDirective, CopySource }), abort);
    return;
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...to, ...written }), abort);
  const multipart = { ...to, UploadId };
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
