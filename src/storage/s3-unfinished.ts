import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type ListPartsCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { checkPrefix } from './layout.ts';
import type { S3Bucket } from './s3-bucket.ts';
import type { StoredEntry, SweepOptions } from './storage.ts';

interface Unfinished {
  key: string;
  uploadId: string;
  /** Epoch ms. */
  initiated: number;
}

/**
 * Ends the uploads below a prefix that were begun before a time and never ended: their parts cost as much as objects, and no listing shows
 * them. Whatever lies below the folder of a cluster is ours; for the whole location, where others may write too, nothing is done.
 */
export async function* sweepUploads(
  bucket: S3Bucket,
  prefix: string,
  { before, dryRun, signal }: SweepOptions,
): AsyncGenerator<StoredEntry> {
  if (checkPrefix(prefix) === '') return;
  for (const { key, uploadId, initiated } of await unfinished(bucket, prefix)) {
    signal?.throwIfAborted();
    if (initiated > before) continue;
    const { client, bucket: Bucket, key: Key } = bucket.object(key);
    const upload = { Bucket, Key, UploadId: uploadId };
    const size = await bucket.attempt(`looking at the unfinished upload of ${key}`, () => sentBytes(client, upload));
    if (!dryRun) {
      await bucket.attempt(`ending the unfinished upload of ${key}`, () =>
        client.send(new AbortMultipartUploadCommand(upload)),
      );
    }
    yield { key, size, modified: initiated, changed: initiated };
  }
}

/** The SDK's own paginator never ends where a store gives a marker with its last page. */
async function sentBytes(client: S3Client, upload: ListPartsCommandInput): Promise<number> {
  let bytes = 0;
  let after: string | undefined;
  do {
    const page = await client.send(new ListPartsCommand({ ...upload, PartNumberMarker: after }));
    for (const { Size = 0 } of page.Parts ?? []) bytes += Size;
    after = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (after !== undefined);
  return bytes;
}

async function unfinished(bucket: S3Bucket, prefix: string): Promise<Unfinished[]> {
  const found: Unfinished[] = [];
  let markers: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
  while (markers !== null) {
    const wanted: { KeyMarker?: string; UploadIdMarker?: string } = markers;
    const page = await bucket.attempt(`listing unfinished uploads below ${prefix}`, () =>
      bucket.client.send(
        new ListMultipartUploadsCommand({
          Bucket: bucket.location.bucket,
          Prefix: bucket.location.prefix + prefix,
          ...wanted,
        }),
      ),
    );
    for (const { Key = '', UploadId: uploadId, Initiated } of page.Uploads ?? []) {
      // Not every store heeds the prefix.
      if (uploadId === undefined || Initiated === undefined || !Key.startsWith(bucket.location.prefix + prefix))
        continue;
      found.push({ key: bucket.keyOf(Key), uploadId, initiated: Initiated.getTime() });
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
    markers =
      IsTruncated && NextKeyMarker
        ? { KeyMarker: NextKeyMarker, ...(NextUploadIdMarker && { UploadIdMarker: NextUploadIdMarker }) }
        : null;
  }
  return found;
}
